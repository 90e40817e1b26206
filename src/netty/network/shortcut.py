"""The shorter way of messages that are like one before, in one association: past the engine's events.

What a service can take so (`service.Express`) is offered all that comes at the beginning of a PDU. What it leaves is
still in the engine's buffer, and comes as ever.
"""

import asyncio
import logging
from collections.abc import Callable
from enum import Enum, auto
from typing import Final
from weakref import WeakSet

from netty.dimse.command import Request
from netty.dimse.repeated import RepeatedCommands
from netty.network.service import Express, Operation, Way
from netty.network.settings import ReceiveLimits
from netty.network.transport import Connection
from netty.ul.association import Association

log = logging.getLogger(__name__)

MOST_OPEN: Final = 32
"""Of one process: a message that waits is held in the receive buffer, which thousands of associations must not do."""

_IN_VAIN: Final = 3
_SWIFT: Final = 1.0  # seconds for a message; who takes longer gains nothing here, and others may have the place


class Taken(Enum):
    """What became of what has come."""

    LEFT = auto()  # it is the engine's, from its beginning
    WAITS = auto()  # for more
    WHOLE = auto()  # a message that is to be sealed and answered


class Shortcut:
    """Of one association. It stays unused until a service offers something, and ends with the first that is left."""

    def __init__(
        self,
        connection: Connection,
        engine: Association,
        commands: RepeatedCommands,
        limits: ReceiveLimits,
        pdu: int,
        alone: Callable[[], bool],
    ) -> None:
        """`pdu`: the longest that may come. `alone`: whether no other association has to wait while this one does."""
        self._connection = connection
        self._engine = engine
        self._commands = commands
        self._limits = limits
        self._longest_pdu = pdu
        self._alone = alone
        self._express: Express | None = None
        self._context_id = 0
        self._in_vain = 0  # so many in a row have not taken a single message
        self._waits_since: float | None = None

    @property
    def is_amid(self) -> bool:
        """Whether a message is under way in it."""
        return self._express is not None and self._express.is_amid

    def consider(self, operation: Operation) -> bool:
        """A request was answered: whether further ones like it are taken from now on."""
        make = operation.express
        if make is None or self._express is not None or self._in_vain == _IN_VAIN or not self._engine.is_established:
            return False
        if len(_OPEN) >= MOST_OPEN:
            return False
        context_id = operation.context.context_id
        command = self._commands.stencil(operation.request, context_id)
        if command is None:
            return False
        limits, longest_answer = self._limits, self._engine.send_length
        self._express = make(Way(command, context_id, self._longest_pdu, limits.data_set, longest_answer))
        if self._express is None:
            return False
        self._context_id = context_id
        self._in_vain += 1
        _OPEN.add(self)
        return True

    def take(self) -> Taken:
        """Offer what has come."""
        express = self._express
        if express is None:
            return Taken.LEFT
        taken = self._taken_by(express)
        if taken == 0 and not self._engine.is_amid_pdu:  # nothing has come
            return Taken.WAITS
        if taken == 0 and self._engine.has_room and self._is_swift():
            self._connection.expect(express.ahead)
            return Taken.WAITS
        self._waits_since = None
        if taken <= 0:
            self.leave()
            return Taken.LEFT
        self._in_vain = 0
        self._connection.expect(0)
        return Taken.WHOLE

    def _taken_by(self, express: Express) -> int:
        unread = self._engine.unread()
        if unread is None:
            return -1
        try:
            taken = express.take(*unread, self._connection.wire if self._alone() else -1)
        except Exception:
            log.exception("a message could not be taken the short way; it goes the long one")
            taken = -1
        if came := express.came:
            self._connection.read_besides(came)
        if taken > 0:
            self._engine.used_up(taken)
        return taken

    def _is_swift(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._waits_since is None:
            self._waits_since = now
        return now - self._waits_since < _SWIFT

    def answer_at_once(self) -> bool:
        """Seal and answer what was taken; False where something is to be waited for. May raise `Refusal`."""
        express = self._express
        assert express is not None
        left = express.seal_at_once(self._connection.wire)
        if left is None:
            return False
        if left:
            self._send(left)
        return True

    def go_on(self) -> bool:
        """Be ready for the next message; whether it may be taken as soon as it comes, past the event loop."""
        express = self._express
        if express is None:
            return False
        if self._connection.wire < 0 or not self._alone():
            asyncio.get_running_loop().call_soon(express.prepare)  # behind the answer, which need not wait for it
            return False
        express.prepare()
        return True

    async def answer(self) -> None:
        """Seal it while others go on, and answer. May raise `Refusal`.

        From here on the message is ours: it is sealed and kept even if we are cancelled.
        """
        express = self._express
        assert express is not None
        self._send(await asyncio.shield(self._sealed(express)))
        express.prepare()

    async def _sealed(self, express: Express) -> bytes:
        answer = await asyncio.to_thread(express.seal)
        express.keep()
        return answer

    def _send(self, answer: bytes) -> None:
        if self._engine.is_established:
            self._engine.send_encoded(answer)
            self._connection.flush()

    @property
    def request(self) -> tuple[int, Request]:
        """What was taken last, and its presentation context; while it is open."""
        assert self._express is not None
        return self._context_id, self._express.request

    def leave(self) -> None:
        """Let what comes come as ever."""
        express, self._express = self._express, None
        _OPEN.discard(self)
        if express is not None:
            try:
                express.abandon()
            except Exception:
                log.exception("giving up a message failed")


_OPEN: Final[WeakSet[Shortcut]] = WeakSet()  # those of this process that may take messages
