"""Searching the remotes, taking the difference with what is held, and asking for what is missing (statement 4.2.6).

This is what the pages, the command line and the automatic search use. Nothing here moves an image: a request is a row,
and the service takes it up.
"""

import asyncio
import dataclasses
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from netty.archive.audit import Audit, AuditEvent, AuditKind
from netty.archive.found import FoundStudies
from netty.archive.holdings import Holdings
from netty.archive.patients import Patients
from netty.archive.remotes import Remotes
from netty.archive.retrievals import Retrievals
from netty.archive.unobtainable import Unobtainables
from netty.errors import PeerError, UsageError
from netty.model.difference import Action, StudyDifference, difference, studies_to_fetch
from netty.model.found import FoundStudy
from netty.model.identity import searchable_patient_id
from netty.model.patient import Patient
from netty.model.remote import Remote
from netty.model.retrieval import LedgerEntry, LedgerState, Retrieval, RetrievalState
from netty.network.query_scu import find_instances, find_series, find_studies
from netty.network.settings import AeSettings, QuerySettings, Timers
from netty.workflow.pace import Turn, at_once


@dataclass(frozen=True, slots=True)
class LinkView:
    """One patient at one remote: its last answer against what is held now.

    Attributes:
        searched_at: when the remote last answered; None where it never did.
        failure: why the newest search failed; `studies` is the last good answer then.
    """

    remote: str
    patient_id: str
    searched_at: datetime | None
    failure: str
    studies: tuple[StudyDifference, ...]


@dataclass(frozen=True, slots=True)
class Linkage:
    """Searches, differences and requests. Methods that touch the network are coroutines; the others block shortly.

    Attributes:
        together: that of the database: a search ends with one transaction, for each costs more than what it holds.
        asked: tells who carries retrievals out that one was asked for.
    """

    remotes: Remotes
    patients: Patients
    found: FoundStudies
    holdings: Holdings
    retrievals: Retrievals
    unobtainables: Unobtainables
    audit: Audit
    together: Callable[[], AbstractContextManager[None]]
    ae: AeSettings
    timers: Timers
    query: QuerySettings
    accepted_classes: frozenset[str]
    asked: Callable[[], None] = lambda: None

    async def find(
        self,
        remote: Remote,
        patient_id: str,
        accession_number: str = "",
        *,
        asked_by: str = "",
        turn: Turn = at_once,
    ) -> list[StudyDifference]:
        """Ask a remote at all three levels, one association each, and take the difference with what is held.

        Raises:
            UsageError: where the ID could match more than one patient, or the settings do not search by accession.
            PeerError: where the remote cannot be reached, refuses or fails.
        """
        patient_id = searchable_patient_id(patient_id)
        if accession_number and not self.query.accession_number:
            raise UsageError(
                "Searching by accession number is switched off. Set accession_number = true in the section [query]."
            )
        try:
            studies = await self._ask(remote, patient_id, accession_number, turn)
        except BaseException:
            await asyncio.to_thread(self.audit.write, _search_event(remote.name, patient_id, None, asked_by))
            raise

        def conclude() -> list[StudyDifference]:
            with self.together():
                self.audit.write(_search_event(remote.name, patient_id, studies, asked_by))
                patient = self.patients.linked(remote.name, patient_id)
                return self.differences(remote.name, studies, patient.key if patient else "")

        return await asyncio.to_thread(conclude)

    async def _ask(self, remote: Remote, patient_id: str, accession_number: str, turn: Turn) -> list[FoundStudy]:
        """STUDY, then each SERIES, then each IMAGE level: one service per association (statement 4.2.6)."""
        await turn()
        studies = await find_studies(
            remote, self.ae, self.timers, patient_id, accession_number, extra_keys=self.query.extra_keys
        )
        whole = []
        for study in studies:
            await turn()
            series = []
            for one in await find_series(
                remote, self.ae, self.timers, study.study_instance_uid, extra_keys=self.query.extra_keys
            ):
                await turn()
                instances = await find_instances(
                    remote, self.ae, self.timers, study.study_instance_uid, one.series_instance_uid
                )
                series.append(dataclasses.replace(one, instances=tuple(instances)))
            whole.append(dataclasses.replace(study, series=tuple(series)))
        return whole

    async def search(
        self, remote_name: str, patient_key: str, *, asked_by: str = "", turn: Turn = at_once
    ) -> list[StudyDifference]:
        """Find for a registered patient, and note the answer (or why there is none) for the pages."""
        remote, patient_id = await asyncio.to_thread(self._link, remote_name, patient_key)
        try:
            studies = await self._ask(remote, patient_id, "", turn)
        except PeerError as error:
            event = _search_event(remote.name, patient_id, None, asked_by)
            await asyncio.to_thread(self.found.note_failure, remote.name, patient_id, str(error), _now(), event)
            raise
        except BaseException:
            await asyncio.to_thread(self.audit.write, _search_event(remote.name, patient_id, None, asked_by))
            raise

        def conclude() -> list[StudyDifference]:
            with self.together():
                differences = self.differences(remote.name, studies, patient_key)
                found = [one.study for one in differences]
                event = _search_event(remote.name, patient_id, found, asked_by)
                self.found.note(remote.name, patient_id, found, _now(), event)
                return differences

        return await asyncio.to_thread(conclude)

    def _link(self, remote_name: str, patient_key: str) -> tuple[Remote, str]:
        """The remote, and by which Patient ID it knows the patient. UsageError where it does not."""
        remote, patient = self.remotes.get(remote_name), self.patients.get(patient_key)
        patient_id = patient.patient_id_at(remote.name)
        if patient_id is None:
            raise UsageError(
                "The patient {patient} has no patient ID at {remote}. Add one to link them.",
                patient=patient_key,
                remote=remote.name,
            )
        return remote, searchable_patient_id(patient_id)

    def differences(self, remote: str, studies: Iterable[FoundStudy], patient_key: str = "") -> list[StudyDifference]:
        """What is held, missing and unobtainable of each found study; newest study first.

        A study that is held for another registered patient is not held for this one: it is fetched again, and what
        comes goes on hold, for a person to decide whose it is.
        """
        ordered = sorted(studies, key=lambda study: (study.study_date, study.study_time), reverse=True)
        uids = [study.study_instance_uid for study in ordered]
        held = self.holdings.held_of(uids, patient_key)
        unobtainable = self.unobtainables.of_studies(remote, uids)
        return [
            difference(
                study,
                held[study.study_instance_uid],
                unobtainable[study.study_instance_uid],
                self.accepted_classes,
            )
            for study in ordered
        ]

    def noted(self, patient_key: str) -> list[LinkView]:
        """The last answers of all remotes that know the patient, against what is held now. No network."""
        return [self._view(link.remote, link.patient_id, patient_key) for link in self.patients.get(patient_key).links]

    def _view(self, remote: str, patient_id: str, patient_key: str) -> LinkView:
        noted = self.found.of(remote, patient_id)
        if noted is None:
            return LinkView(remote, patient_id, None, "", ())
        studies = tuple(self.differences(remote, noted.studies, patient_key))
        return LinkView(remote, patient_id, noted.searched_at, noted.failure, studies)

    def request(
        self,
        remote: str,
        one: StudyDifference,
        *,
        patient: Patient | None,
        requested_by: str,
        override: bool = False,
    ) -> Retrieval:
        """Write down that a study is to be fetched, with the ledger of what is expected.

        A study of which nothing is missing gets a retrieval that has ended already. One that is under way already is
        given instead of a second one.

        Raises:
            UsageError: where nobody registered the patient and no operator takes the responsibility.
        """
        patient_id = searchable_patient_id(one.study.patient_id)
        if patient is None and not override:
            raise UsageError(
                "No patient is registered with the ID {patient_id} at {remote}. Register the patient, or take the "
                "responsibility with --operator-override.",
                patient_id=patient_id,
                remote=remote,
            )
        retrieval = self._new(remote, one, patient.key if patient else "", requested_by)
        kind = AuditKind.RETRIEVAL_REQUESTED if patient else AuditKind.OVERRIDE
        ledger = ledger_of(one) if one.missing or not one.held else ()
        with self.together():
            created = self.retrievals.create(retrieval, ledger)
            self.audit.write(
                AuditEvent(
                    kind,
                    who=requested_by,
                    patient_key=retrieval.patient_key,
                    study_instance_uid=retrieval.study_instance_uid,
                    remote=remote,
                    outcome=created.state,
                    detail={"retrieval": created.id, "patient_id": patient_id, "missing": len(one.missing)},
                )
            )
        self.asked()
        return created

    def _new(self, remote: str, one: StudyDifference, patient_key: str, requested_by: str) -> Retrieval:
        now = _now()
        fetch = one.action is Action.FETCH
        nothing_to_be_had = bool(one.unobtainable) and not one.held
        ended = RetrievalState.UNOBTAINABLE if nothing_to_be_had else RetrievalState.COMPLETE
        return Retrieval(
            id=uuid.uuid4().hex,
            remote=remote,
            study_instance_uid=one.study.study_instance_uid,
            patient_key=patient_key,
            patient_id=searchable_patient_id(one.study.patient_id),
            state=RetrievalState.QUEUED if fetch else ended,
            requested_by=requested_by,
            requested_at=now,
            ended_at=None if fetch else now,
            reason="" if fetch else one.reason,
        )

    def request_study(self, remote: str, study_instance_uid: str, patient_key: str, requested_by: str) -> Retrieval:
        """Request one study of a registered patient, as the remote's last answer lists it.

        Raises:
            UsageError: where the last answer does not list it.
        """
        patient = self.patients.get(patient_key)
        for view in self.noted(patient_key):
            for one in view.studies:
                if view.remote == remote and one.study.study_instance_uid == study_instance_uid:
                    return self.request(remote, one, patient=patient, requested_by=requested_by)
        raise UsageError(
            "{remote} did not list this study in its last answer. Search again, then fetch it.", remote=remote
        )

    def request_missing(self, patient_key: str, requested_by: str) -> list[Retrieval]:
        """Request every study of which something is missing; one that two remotes list is asked of the fuller one."""
        patient = self.patients.get(patient_key)
        fullest: dict[str, tuple[str, StudyDifference]] = {}
        for view in self.noted(patient_key):
            for one in studies_to_fetch(view.studies):
                known = fullest.get(one.study.study_instance_uid)
                if known is None or len(one.missing) > len(known[1].missing):
                    fullest[one.study.study_instance_uid] = (view.remote, one)
        return [
            self.request(remote, one, patient=patient, requested_by=requested_by) for remote, one in fullest.values()
        ]

    async def sweep(
        self, remote_name: str, patient_key: str, *, asked_by: str, turn: Turn = at_once
    ) -> Sequence[Retrieval]:
        """Search for one patient at one remote, and request what is missing."""
        differences = await self.search(remote_name, patient_key, asked_by=asked_by, turn=turn)
        patient = await asyncio.to_thread(self.patients.get, patient_key)

        def request_all() -> list[Retrieval]:
            return [
                self.request(remote_name, one, patient=patient, requested_by=asked_by)
                for one in studies_to_fetch(differences)
            ]

        return await asyncio.to_thread(request_all)


def _search_event(remote: str, patient_id: str, studies: Sequence[FoundStudy] | None, asked_by: str) -> AuditEvent:
    """What the audit trail is told of a search; no studies: it failed."""
    return AuditEvent(
        AuditKind.SEARCH,
        who=asked_by,
        remote=remote,
        outcome="failed" if studies is None else f"{len(studies)} studies",
        detail={"patient_id": patient_id, "studies": [study.study_instance_uid for study in studies or ()]},
    )


def ledger_of(one: StudyDifference) -> list[LedgerEntry]:
    """What a retrieval of this study expects: the missing instances, and those that cannot be had, with the reason."""
    series_of = {
        instance.sop_instance_uid: series.series_instance_uid
        for series in one.study.series
        for instance in series.instances
    }
    expected = [
        LedgerEntry(
            instance.sop_instance_uid,
            instance.sop_class_uid,
            series_of[instance.sop_instance_uid],
            instance.instance_number,
        )
        for instance in one.missing
    ]
    never = [
        LedgerEntry(
            lost.instance.sop_instance_uid,
            lost.instance.sop_class_uid,
            series_of[lost.instance.sop_instance_uid],
            lost.instance.instance_number,
            LedgerState.UNOBTAINABLE,
            lost.reason,
        )
        for lost in one.unobtainable
    ]
    return expected + never


def _now() -> datetime:
    return datetime.now(UTC)
