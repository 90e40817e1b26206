"""The audit trail of callers that were not let in: each is told of, but a flood of them cannot fill the disk."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from netty.archive.audit import Audit, AuditEvent, AuditKind
from netty.archive.errors import DatabaseFault
from netty.network.accepted import AssociationReport, Ending

log = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60.0
MOST_CALLERS: Final = 50  # that are told apart within a window
_NOT_LET_IN: Final = frozenset({Ending.REJECTED, Ending.NOT_REGISTERED})
_OTHERS: Final = "others"

_Caller = tuple[str, str, str, str, str]


@dataclass(slots=True)
class RefusedCallers:
    """Writes an event for the first refusal of a caller at once, and one for all that follow within a window.

    Runs on an event loop; `report` is the acceptor's `ended`. `settle` writes what is still counted, at the end.
    """

    audit: Audit
    clock: Callable[[], float] = time.monotonic
    _counted: dict[_Caller, int] = field(default_factory=dict)
    _window_ends: float = 0.0
    _writing: set[asyncio.Task[None]] = field(default_factory=set)
    _in_order: asyncio.Lock = field(default_factory=asyncio.Lock)

    def report(self, ended: AssociationReport) -> None:
        """One association is over."""
        if ended.ending not in _NOT_LET_IN:
            return
        now = self.clock()
        if now >= self._window_ends:
            self._write(self._repeated())
            self._counted.clear()
            self._window_ends = now + WINDOW_SECONDS
        caller = _caller(ended)
        if caller not in self._counted and len(self._counted) >= MOST_CALLERS:
            caller = ("", _OTHERS, "", ended.ending.value, "")
        if caller in self._counted:
            self._counted[caller] += 1
        else:
            self._counted[caller] = 0
            self._write([_event(caller, 1)])

    async def settle(self) -> None:
        """Write what was counted since the last event of each caller."""
        self._write(self._repeated())
        self._counted.clear()
        await asyncio.gather(*self._writing)

    def _repeated(self) -> list[AuditEvent]:
        return [_event(caller, count) for caller, count in self._counted.items() if count]

    def _write(self, events: list[AuditEvent]) -> None:
        if events:
            task = asyncio.get_running_loop().create_task(self._written(events))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _written(self, events: list[AuditEvent]) -> None:
        async with self._in_order:
            try:
                await asyncio.to_thread(self.audit.write, *events)
            except DatabaseFault as error:
                log.error("audit: %s %d refused callers are in the log only.", error, len(events))


def _caller(ended: AssociationReport) -> _Caller:
    return (
        ended.address,
        ended.calling_ae_title,
        ended.called_ae_title,
        ended.ending.value,
        ended.detail,
    )


def _event(caller: _Caller, count: int) -> AuditEvent:
    address, calling, called, ending, detail = caller
    return AuditEvent(
        AuditKind.ASSOCIATION,
        outcome=f"{ending} {detail}".strip(),
        detail={"address": address, "calling_ae_title": calling, "called_ae_title": called, "count": count},
    )
