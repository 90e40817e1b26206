"""The automatic search: which remotes are due, whom to search for there, and what the jobs do (statement 4.2.6)."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from netty.archive.retrievals import Retrievals
from netty.errors import NettyError
from netty.jobs import DueSweep, QueuedRetrieval
from netty.model.hours import within_hours
from netty.model.remote import Remote
from netty.model.retrieval import Retrieval
from netty.network.errors import AssociationRejected, RemoteUnreachable
from netty.network.loop import run_to_end
from netty.workflow.linkage import Linkage
from netty.workflow.pace import Pace
from netty.workflow.retrieve import Retriever
from netty.workflow.settings import SearchSettings

log = logging.getLogger(__name__)

SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Automation:
    """What the job engine calls. Automatic work keeps to the hours and the pace; what a person asked for runs at once.

    Attributes:
        started_at: when the service started (seconds since the epoch): the first sweep follows at once.
        changed: whether anything was committed since it was last asked; as long as nothing was, nobody has asked for
            anything.
    """

    linkage: Linkage
    retrievals: Retrievals
    retriever: Retriever
    settings: SearchSettings
    started_at: float = field(default_factory=time.time)
    paces: dict[str, Pace] = field(default_factory=dict)
    changed: Callable[[], bool] = lambda: True
    _queued: list[list[Retrieval]] = field(default_factory=list, init=False)  # the last look, if it still holds

    def move(self, retrieval_id: str) -> None:
        self.retriever.move(retrieval_id)

    def settle(self, retrieval_id: str) -> None:
        self.retriever.settle(retrieval_id)

    def give_up(self, retrieval_id: str, reason: str) -> None:
        self.retriever.give_up(retrieval_id, reason)

    def patients_of(self, remote: str) -> Sequence[str]:
        """The keys of the patients who are linked at a remote."""
        return [patient.key for patient in self.linkage.patients.list() if patient.patient_id_at(remote) is not None]

    def search(self, remote: str, patient_key: str) -> bool:
        """Search for one patient and request what is missing; False where the remote cannot be talked to at all.

        Another failure is noted, and the sweep goes on with the next patient.
        """
        turn = self.paces.setdefault(remote, Pace(self.settings.pace))
        try:
            run_to_end(self.linkage.sweep(remote, patient_key, asked_by=SCHEDULE, turn=turn))
        except (RemoteUnreachable, AssociationRejected) as error:
            log.warning("search: %s: %s", remote, error)
            return False
        except NettyError as error:
            log.warning("search: %s: %s", remote, error)
        return True

    def under_way(self) -> Iterator[QueuedRetrieval]:
        """What an end of the service interrupted."""
        for retrieval in self.retrievals.under_way():
            yield QueuedRetrieval(retrieval.id, retrieval.remote, 1)

    def queued(self) -> Iterator[QueuedRetrieval]:
        """What may be moved now, what people asked for first: the rest waits for the remote's hours and its pause."""
        if self.changed():
            self._queued.clear()
        if not self._queued:
            self._queued.append(sorted(self.retrievals.queued(), key=_is_automatic))
        (waiting,) = self._queued
        if not waiting:
            return
        remotes = {remote.name: remote for remote in self.linkage.remotes.list()}
        for retrieval in waiting:
            remote = remotes.get(retrieval.remote)
            if not _is_automatic(retrieval) or remote is None or self._may_work(remote):
                yield QueuedRetrieval(retrieval.id, retrieval.remote, remote.max_moves if remote else 1)

    def due(self) -> Iterator[DueSweep]:
        """One sweep per remote and round; rounds are counted from the epoch, so that all restarts agree on them."""
        every = self.settings.every_seconds
        now = time.time()
        slot = int(now // every)
        first = slot * every < self.started_at  # the first round starts with the service
        slot_name = f"{slot}-{int(self.started_at)}" if first else str(slot)
        for remote in self.linkage.remotes.list():
            if self._may_work(remote):
                yield DueSweep(remote.name, slot_name)

    def _may_work(self, remote: Remote) -> bool:
        local = datetime.now().astimezone().time()
        return not remote.paused and within_hours(remote.hours, local) and within_hours(self.settings.hours, local)


def _is_automatic(retrieval: Retrieval) -> bool:
    return retrieval.requested_by == SCHEDULE
