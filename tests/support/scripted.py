"""A Q/R SCP that answers what a test tells it, and remembers what it was asked."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from netty.dicom.elements import decode_identifier, encode_identifier
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_FIND, STUDY_ROOT_MOVE
from netty.dimse.command import FindRequest, FindResponse, MoveRequest, MoveResponse
from netty.network.service import AnyResponse, Offer, Operation


@dataclass
class Scripted:
    """`responses` are sent as they are, with message ID and class filled in; then `hold` is waited for, if given."""

    responses: list[tuple[AnyResponse, bytes]] = field(default_factory=list)
    asked: list[dict[int, bytes]] = field(default_factory=list)
    requests: list[FindRequest | MoveRequest] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    final: AnyResponse | None = None
    wait_cancelled: bool = False
    wait_for: asyncio.Event | None = None

    def begin(self, operation: Operation) -> "_Script":
        self.operations.append(operation)
        return _Script(self, operation)

    @property
    def offers(self) -> dict[str, Offer]:
        """Served as FIND and as MOVE."""
        offer = Offer(self, (IMPLICIT_VR_LITTLE_ENDIAN,))
        return {STUDY_ROOT_FIND: offer, STUDY_ROOT_MOVE: offer}


class _Script:
    def __init__(self, script: Scripted, operation: Operation) -> None:
        self._script = script
        self._operation = operation
        self._data = bytearray()

    def write(self, parts: Sequence[memoryview], size: int) -> int:
        self._data += b"".join(parts)
        return 0

    def finish_at_once(self) -> None:
        """It takes its time."""

    async def finish(self) -> AnyResponse | None:
        script, request = self._script, self._operation.request
        assert isinstance(request, FindRequest | MoveRequest)
        script.requests.append(request)
        script.asked.append(decode_identifier(bytes(self._data)))
        for response, data_set in script.responses:
            await self._operation.respond(response, data_set)
        if script.wait_cancelled:
            await self._operation.cancelled.wait()
        if script.wait_for is not None:
            await script.wait_for.wait()
        return script.final

    def abandon(self) -> None:
        """Nothing is kept."""


def match(values: dict[int, str | bytes], status: int = 0xFF00) -> tuple[AnyResponse, bytes]:
    """One answer of a C-FIND."""
    response = FindResponse(message_id_being_responded_to=1, status=status, has_data_set=True)
    return response, encode_identifier(values)


def found(*answers: dict[int, str | bytes], status: int = 0xFF00) -> Scripted:
    """A C-FIND with these answers, and success at the end."""
    return Scripted(
        [match(answer, status) for answer in answers], final=FindResponse(message_id_being_responded_to=1, status=0)
    )


def moved(status: int, pending: Iterable[MoveResponse] = (), data_set: bytes = b"", **fields: int | str) -> Scripted:
    """A C-MOVE with these pending responses, and this end."""
    final = MoveResponse(
        message_id_being_responded_to=1,
        status=status,
        has_data_set=bool(data_set),
        **fields,  # type: ignore[arg-type]
    )
    return Scripted([*((each, b"") for each in pending), (final, data_set)])
