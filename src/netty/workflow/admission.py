"""Which leases are open for a study, asked of the database as rarely as safety allows."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netty.archive.leases import Leases
from netty.model.lease import Admission, Lease, Offered, Outcome, admit

_FRESH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Known:
    leases: tuple[Lease, ...]
    until: float  # monotonic


class Admissions:
    """Decides on what is offered. Open leases are remembered for a moment; a "no" is never remembered.

    A lease may be opened in another process at any moment, so whatever is not admitted by what is remembered is
    decided anew by what the database says now.
    """

    def __init__(self, leases: Leases, our_ae_title: str, clock: Callable[[], float] = time.time) -> None:
        self._leases = leases
        self._our_ae_title = our_ae_title
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def decide_at_once(self, offered: Offered) -> Admission | None:
        """The decision on one data set that what is remembered admits; None where the database is to be asked."""
        known = self._known.get(offered.study_instance_uid)
        if known is not None and known.until > time.monotonic():
            admission = self._decide(offered, known.leases)
            if admission.outcome is Outcome.ADMITTED:
                return admission
        return None

    def sure_until(self, offered: Offered) -> float:
        """Until when (monotonic) what `decide_at_once` admits is admitted in the same way, whatever happens."""
        known = self._known.get(offered.study_instance_uid)
        if known is None:
            return 0.0
        lapses = min((lease.expires_at for lease in known.leases), default=0.0) - self._clock()
        return min(known.until, time.monotonic() + lapses)

    async def decide(self, offered: Offered) -> Admission:
        """The decision on one data set."""
        admission = self.decide_at_once(offered)
        if admission is not None:
            return admission
        found = await asyncio.to_thread(self._leases.open_for, offered.study_instance_uid, self._clock())
        self._remember(offered.study_instance_uid, found)
        return self._decide(offered, found)

    def _decide(self, offered: Offered, leases: Sequence[Lease]) -> Admission:
        now = self._clock()
        return admit(offered, [lease for lease in leases if lease.expires_at > now], self._our_ae_title)

    def _remember(self, study_instance_uid: str, leases: Sequence[Lease]) -> None:
        now = time.monotonic()
        self._known = {uid: known for uid, known in self._known.items() if known.until > now}
        if leases:
            self._known[study_instance_uid] = _Known(tuple(leases), now + _FRESH_SECONDS)
