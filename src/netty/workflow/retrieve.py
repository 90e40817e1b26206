"""One retrieval: lease and ledger before the C-MOVE, the waiting for what comes late, and the verdict of the ledger."""

import asyncio
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from netty.archive.audit import Audit, AuditEvent, AuditKind
from netty.archive.holdings import Holdings
from netty.archive.leases import Leases
from netty.archive.remotes import Remotes
from netty.archive.retrievals import Retrievals
from netty.dimse.command import MoveResponse
from netty.dimse.status import Category, Status, category, explain_move
from netty.errors import PeerError, UsageError
from netty.model import reasons
from netty.model.lease import Lease
from netty.model.remote import Remote, RetrieveLevel
from netty.model.repair import WHOLE_STUDY, MoveScope, smallest_moves
from netty.model.retrieval import Claimed, LedgerCount, LedgerState, Retrieval, RetrievalState, verdict
from netty.network.errors import AssociationRejected, RemoteUnreachable
from netty.network.loop import run_to_end
from netty.network.move_scu import MoveOutcome, move_study
from netty.network.settings import AeSettings, Timers

log = logging.getLogger(__name__)

_NOTHING_SENT = Claimed(0, 0, 0, None)

_CANCEL_LOOK_SECONDS = 0.5
_SETTLE_LOOK_SECONDS = 0.1
_CLAIM_WRITE_SECONDS = 0.5
_ROWS_SECONDS = 300.0  # for which a database that is locked, or far behind, is waited for
_REGISTERING_SECONDS = 2.0  # what was received before the remote's last word may still be on its way to its row


@dataclass(frozen=True, slots=True)
class Retriever:
    """Runs retrievals, one thread each. Each step may be run again after a crash, and comes to the same end.

    Attributes:
        levels: at which a remote may be asked that does not say so itself.
        quiet_time: seconds for which a lease outlives its C-MOVE, because PACS store late.
        awaits_rows: whether images of a retrieval are safe in the spool whose rows are still to be written; nobody may
            be told that they did not arrive.
        stopping: set when the service ends; what runs then is left as it is, for the next start.
    """

    remotes: Remotes
    retrievals: Retrievals
    holdings: Holdings
    leases: Leases
    audit: Audit
    ae: AeSettings
    timers: Timers
    levels: tuple[RetrieveLevel, ...]
    quiet_time: float
    stopping: threading.Event
    awaits_rows: Callable[[str], bool] = lambda _retrieval_id: False

    def move(self, retrieval_id: str) -> None:
        """Ask the remote for the study. Its answers are kept as evidence; whether images arrived is not judged here."""
        retrieval = self.retrievals.get(retrieval_id)
        if retrieval.state.final:
            return
        if retrieval.cancel_requested:
            self._end(retrieval, RetrievalState.CANCELLED, reasons.CANCELLED)
            return
        if not self._anything_expected(retrieval_id):
            return
        try:
            remote = self.remotes.get(retrieval.remote)
        except UsageError:
            self._end(retrieval, RetrievalState.FAILED, reasons.REMOTE_REMOVED)
            return
        self.leases.remove_expired(time.time())  # their message IDs may be used again
        lease = self.leases.open(retrieval, self._lease_end())
        self.retrievals.update(
            retrieval_id,
            state=RetrievalState.MOVING,
            started_at=retrieval.started_at or _now(),
            reason="",
            claimed=Claimed(),
        )
        failure = self._ask(remote, retrieval, lease)
        if self.stopping.is_set():
            _wait_for_the_end()
        self.leases.keep_until(retrieval_id, time.time() + self.quiet_time)
        self.retrievals.update(retrieval_id, state=RetrievalState.SETTLING, reason=failure)

    def _lease_end(self) -> float:
        """When the lease of a C-MOVE that begins now expires, if nothing ends it before."""
        return time.time() + self.timers.total + self.quiet_time

    def _ask(self, remote: Remote, retrieval: Retrieval, lease: Lease) -> str:
        """Run the C-MOVE; what went wrong in words, empty where nothing did."""
        try:
            outcome = run_to_end(self._move(remote, retrieval, lease))
        except (RemoteUnreachable, AssociationRejected) as error:
            # Nobody was asked, so nothing is to come: a claim of nothing ends the waiting.
            self.retrievals.update(retrieval.id, claimed=_NOTHING_SENT)
            return str(error)
        except PeerError as error:
            log.warning("retrieval %s from %s: %s", retrieval.id, remote.name, error)
            return str(error)
        self.retrievals.update(retrieval.id, claimed=_claim_of(outcome.status, outcome))
        return _failure_of(outcome)

    def _anything_expected(self, retrieval_id: str) -> bool:
        return any(entry.state is LedgerState.EXPECTED for entry in self.retrievals.ledger(retrieval_id))

    async def _move(self, remote: Remote, retrieval: Retrieval, lease: Lease) -> MoveOutcome:
        cancelled = asyncio.Event()
        write = _ClaimWriter(self.retrievals, retrieval.id)
        watching = asyncio.create_task(self._watch_for_cancel(retrieval.id, cancelled))
        try:
            return await self._move_by_scopes(remote, retrieval, lease, write, cancelled)
        finally:
            watching.cancel()

    async def _move_by_scopes(
        self,
        remote: Remote,
        retrieval: Retrieval,
        lease: Lease,
        on_response: Callable[[MoveResponse], None],
        cancelled: asyncio.Event,
    ) -> MoveOutcome:
        """One C-MOVE for the study, or several for what lacks of it where smaller levels are allowed.

        A remote that cannot do a smaller level is asked for the study instead.
        """

        async def move(scope: MoveScope) -> MoveOutcome:
            return await move_study(
                remote,
                self.ae,
                _timers_for(remote, self.timers),
                retrieval.study_instance_uid,
                lease.message_id,
                on_response=on_response,
                cancelled=cancelled,
                last_store=lambda: self._seconds_since_last_store(retrieval.id),
                scope=scope,
            )

        outcomes: list[MoveOutcome] = []
        for scope in await asyncio.to_thread(self._scopes, remote, retrieval):
            if outcomes:  # each may take the whole time
                await asyncio.to_thread(self.leases.keep_until, retrieval.id, self._lease_end())
            outcome = await move(scope)
            if outcome.failure is not None and scope != WHOLE_STUDY and not cancelled.is_set():
                return await move(WHOLE_STUDY)
            outcomes.append(outcome)
            if cancelled.is_set():
                break
        return _summed(outcomes)

    def _scopes(self, remote: Remote, retrieval: Retrieval) -> list[MoveScope]:
        held = self.holdings.held(retrieval.study_instance_uid)
        return smallest_moves(self.retrievals.ledger(retrieval.id), held, remote.levels or self.levels)

    async def _watch_for_cancel(self, retrieval_id: str, cancelled: asyncio.Event) -> None:
        while not cancelled.is_set():
            await asyncio.sleep(_CANCEL_LOOK_SECONDS)
            now = await asyncio.to_thread(self.retrievals.get, retrieval_id)
            if now.cancel_requested or self.stopping.is_set():
                cancelled.set()

    def _seconds_since_last_store(self, retrieval_id: str) -> float | None:
        last = self.retrievals.last_arrival(retrieval_id)
        return None if last is None else max(0.0, (_now() - last).total_seconds())

    def settle(self, retrieval_id: str) -> None:
        """Wait until everything expected is here and rendered, or nothing more is to come; then write the verdict."""
        retrieval = self.retrievals.get(retrieval_id)
        if retrieval.state.final:
            return
        if retrieval.state is not RetrievalState.SETTLING:
            self.retrievals.update(retrieval_id, state=RetrievalState.SETTLING)
        ledger = self._wait_settled(retrieval)
        if ledger is None:
            return
        now = self.retrievals.get(retrieval_id)
        if now.cancel_requested and ledger.received < ledger.expected:
            self._end(now, RetrievalState.CANCELLED, reasons.CANCELLED)
            return
        state, reason = verdict(ledger, now.reason)
        self._end(now, state, reason)

    def _wait_settled(self, retrieval: Retrieval) -> LedgerCount | None:
        """The ledger when nothing more is to be waited for; None where the service stops before."""
        ledger = self.retrievals.count(retrieval.id)
        started = time.monotonic()
        quiet_until = started + self.quiet_time
        believe_from = started + min(self.quiet_time, _REGISTERING_SECONDS)
        give_up_at = quiet_until + _ROWS_SECONDS
        while not ledger.settled:
            arrived = ledger.received + ledger.on_hold
            lacking = ledger.expected - arrived
            rendering = ledger.received - ledger.rendered - ledger.failed
            now = self.retrievals.get(retrieval.id)
            over = time.monotonic() >= believe_from and (now.cancel_requested or _nothing_will_come(now, ledger))
            is_quiet = time.monotonic() >= quiet_until
            ended = not rendering and (is_quiet or (lacking and (over or now.claimed == _NOTHING_SENT)))
            if ended and (time.monotonic() >= give_up_at or not self.awaits_rows(retrieval.id)):
                break
            if self.stopping.wait(_SETTLE_LOOK_SECONDS):
                # The step must not end: what DBOS has recorded as running is taken up again at the next start.
                _wait_for_the_end()
            ledger = self.retrievals.count(retrieval.id)
            if ledger.received + ledger.on_hold > arrived:
                quiet_until = time.monotonic() + self.quiet_time
        return ledger

    def give_up(self, retrieval_id: str, reason: str) -> None:
        """End a retrieval that failed for a reason nobody foresaw."""
        retrieval = self.retrievals.get(retrieval_id)
        if not retrieval.state.final:
            self._end(retrieval, RetrievalState.FAILED, reason)

    def _end(self, retrieval: Retrieval, state: RetrievalState, reason: str) -> None:
        self.leases.end_by(retrieval.id, time.time() + self.quiet_time)  # also where its C-MOVE was never over
        self.retrievals.update(retrieval.id, state=state, reason=reason, ended_at=_now())
        self.audit.write(
            AuditEvent(
                AuditKind.RETRIEVAL_ENDED,
                who=retrieval.requested_by,
                patient_key=retrieval.patient_key,
                study_instance_uid=retrieval.study_instance_uid,
                remote=retrieval.remote,
                outcome=state,
                detail={"retrieval": retrieval.id, "reason": reason},
            )
        )


def _timers_for(remote: Remote, timers: Timers) -> Timers:
    """The timers, with the remote's own answer to what restarts them."""
    return dataclasses.replace(timers, response_restarts_on=remote.response_restarts_on or timers.response_restarts_on)


class _ClaimWriter:
    """Writes the counters of pending responses down, not more often than people can read them."""

    def __init__(self, retrievals: Retrievals, retrieval_id: str) -> None:
        self._retrievals = retrievals
        self._id = retrieval_id
        self._next = 0.0

    def __call__(self, response: MoveResponse) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _CLAIM_WRITE_SECONDS
            self._retrievals.update(self._id, claimed=_claim_of(None, response))


def _summed(outcomes: Sequence[MoveOutcome]) -> MoveOutcome:
    """Several C-MOVEs as one: the counters added, and the worst word."""
    if len(outcomes) == 1:
        return outcomes[0]
    worst = next((one for one in outcomes if one.status != Status.SUCCESS), outcomes[-1])
    return dataclasses.replace(
        worst,
        completed=sum(one.completed or 0 for one in outcomes),
        failed=sum(one.failed or 0 for one in outcomes),
        warning=sum(one.warning or 0 for one in outcomes),
        failed_instances=tuple(uid for one in outcomes for uid in one.failed_instances),
    )


def _claim_of(status: int | None, said: MoveResponse | MoveOutcome) -> Claimed:
    if isinstance(said, MoveOutcome):
        return Claimed(said.completed, said.failed, said.warning, status)
    return Claimed(
        said.number_of_completed_suboperations,
        said.number_of_failed_suboperations,
        said.number_of_warning_suboperations,
        status,
    )


def _failure_of(outcome: MoveOutcome) -> str:
    if outcome.status == Status.SUCCESS:
        return ""
    if outcome.failure is not None:
        return str(outcome.failure)
    explanation = explain_move(outcome.status)
    if outcome.comment:
        explanation = f"{explanation} ({outcome.comment})"
    return reasons.REMOTE_SAID.format(status=f"{outcome.status:04X}", explanation=explanation)


def _nothing_will_come(retrieval: Retrieval, ledger: LedgerCount) -> bool:
    """Whether the remote's own word leaves nothing to wait for.

    It never makes a retrieval complete; it only ends the waiting early. A success that counts nothing is not
    believed: some remotes answer first and send later.
    """
    claimed = retrieval.claimed
    sent = (claimed.completed or 0) + (claimed.warning or 0)
    if claimed.status is None or ledger.received + ledger.on_hold < sent:
        return False
    if category(claimed.status) is Category.FAILURE and sent == 0:
        return True
    return sent > 0 and sent + (claimed.failed or 0) >= ledger.expected


def _wait_for_the_end() -> None:
    """Never return: the process ends, and the step that runs now is run again at the next start."""
    threading.Event().wait()


def _now() -> datetime:
    return datetime.now(UTC)
