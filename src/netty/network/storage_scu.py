"""Storage as SCU: C-STORE, streamed from disk (PS3.4 Annex B). netty itself stores nowhere; its simulator does."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from netty.dimse.command import StoreRequest, StoreResponse
from netty.network.errors import AssociationAborted
from netty.network.requestor import RequestedAssociation
from netty.ul.association import Buffer

_CHUNK: Final = 1 << 20
_PDV_OVERHEAD: Final = 6  # what a P-DATA-TF length counts besides the fragment (PS3.8 9.3.5)


async def store(
    association: RequestedAssociation, context_id: int, request: StoreRequest, data_set: Iterable[Buffer]
) -> StoreResponse:
    """Send one instance over a standing association, and wait for the answer; whatever it is, it is returned.

    The parts of `data_set` have even lengths and stay unchanged, for they are not copied.
    """
    association.begin(context_id, request)
    held: Buffer = b""
    for part in data_set:
        if held:
            await association.send_fragment(context_id, held, False)
        held = part
    await association.send_fragment(context_id, held, True)
    received = await association.receive()
    response = received[0] if received else None
    if not isinstance(response, StoreResponse):
        raise AssociationAborted(
            "The remote {remote} answered C-STORE with something else.", remote=association.remote.name
        )
    return response


def data_set_of(path: Path, offset: int, send_length: int) -> Iterator[bytes]:
    """The data set of a file, from `offset` on, in parts that fill whole P-DATA-TF of `send_length`."""
    step = send_length - _PDV_OVERHEAD
    size = step * max(1, _CHUNK // step)
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while part := file.read(size):
            yield part
