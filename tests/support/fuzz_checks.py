"""What must hold of any bytes at all: a result or the reader's own error, and nothing else (h11's rule).

The fuzz tests put them to inputs of hypothesis, `support.guided_fuzzing` to those of a fuzzer that sees the code.
"""

import io
from collections.abc import Callable, Sequence
from typing import Final

from netty.dicom import tags
from netty.dicom.clear import Cleared
from netty.dicom.elements import decode_identifier
from netty.dicom.errors import DataSetError
from netty.dicom.facts import WANTED, facts_of
from netty.dicom.iod import IOD_VALUES, departure
from netty.dicom.splice import spliced
from netty.dicom.splice_policy import Fate
from netty.dicom.walk import ElementWalk, WalkLimits, WalkResult
from netty.dimse.codec import decode_command, encode_command
from netty.dimse.command import Request, UnusableRequest, respond
from netty.dimse.errors import MessageError
from netty.dimse.status import Refusal
from netty.errors import PeerError
from netty.ul import codec
from netty.ul.association import Association
from netty.ul.errors import PduError
from netty.ul.events import AssociateRequested, DataReceived, Event, ProviderAborted
from netty.ul.negotiation import negotiate
from netty.ul.pdu import Abort, AssociateAccept, PduType
from netty.ul.states import State
from support.fuzzing import in_pieces
from support.raw_peer import CT, elements_of
from support.wire import associate_request, policy

# --- the upper layer ---------------------------------------------------------------------------------------------

DECODERS: Final[tuple[Callable[[memoryview], object], ...]] = (
    codec.decode_associate_request,
    codec.decode_associate_accept,
    codec.decode_associate_reject,
    codec.decode_data_transfer,
    codec.decode_release_request,
    codec.decode_release_response,
    codec.decode_abort,
)


def check_pdu(data: bytes) -> None:
    """As any of the seven, it is read, or it is an error that says what is to be sent for it."""
    for decode in DECODERS:
        try:
            decode(memoryview(data)[6:])
        except PduError as error:
            assert isinstance(error.abort, Abort)


def check_event(engine: Association, event: Event) -> None:
    """An event is one of those there are, and its data are those of a context that stands."""
    assert isinstance(event, Event)
    if isinstance(event, DataReceived):
        assert event.context_id in engine.contexts
        assert sum(map(len, event.parts)) == event.size
    elif isinstance(event, ProviderAborted):
        assert isinstance(event.error, PeerError)
        assert str(event.error)


def check_written(written: bytes) -> None:
    """Whole PDUs of known types."""
    position = 0
    while position < len(written):
        kind, length = codec.HEADER.unpack_from(written, position)
        assert kind in list(PduType)
        position += codec.HEADER.size + length
    assert position == len(written)


def check_connection(data: bytes, cuts: Sequence[int] = ()) -> None:
    """The bytes of one connection, from its first: either side takes them, however they are cut."""
    for made in (Association.acceptor, lambda: Association.requestor(associate_request())):
        engine = made()
        engine.transport_connected()
        for piece in in_pieces(data, cuts):
            engine.receive_data(piece)
            for event in engine.events():
                check_event(engine, event)
                if isinstance(event, AssociateRequested) and engine.state is State.AWAITING_LOCAL_ASSOCIATE_RESPONSE:
                    _answer(engine, event)
        check_written(b"".join(engine.data_to_send()))
        engine.transport_closed()
        assert engine.state is State.IDLE


def _answer(engine: Association, event: AssociateRequested) -> None:
    answer = negotiate(event.request, policy())
    if isinstance(answer, AssociateAccept):
        engine.accept(answer)
    else:
        engine.reject(answer)


# --- messages ----------------------------------------------------------------------------------------------------


def check_command(data: bytes) -> None:
    """It is a message, which can be answered if it is a request, or it is refused."""
    try:
        message = decode_command(data)
    except MessageError as error:
        assert str(error)
        return
    if isinstance(message, Request | UnusableRequest):
        answer = encode_command(respond(message, Refusal(0xC000, "No.\\\n\x1b 不")))
        assert elements_of(answer)[0x00000120] == message.message_id.to_bytes(2, "little")


# --- data sets ---------------------------------------------------------------------------------------------------

LIMITS: Final = WalkLimits(depth=8, elements=400)


def walk(data: bytes, explicit: bool, cuts: Sequence[int], slice: int) -> WalkResult | str:
    """The result of a walk over pieces, or why there is none."""
    walker = ElementWalk(explicit, WANTED | IOD_VALUES, WalkLimits(LIMITS.depth, LIMITS.elements, slice=slice))
    try:
        for piece in in_pieces(data, cuts):
            more = walker.feed(memoryview(piece))
            while more:
                before = walker.position
                more = walker.resume()
                assert not more or walker.position > before
        return walker.finish()
    except DataSetError as error:
        return str(error)


_WITHOUT_PATIENT_ID: Final = Cleared({tags.PATIENT_ID: Fate.EMPTY}, "m")


def check_data_set(data: bytes, explicit: bool, cuts: Sequence[int] = (), slice: int = 2000) -> None:
    """It is walked the same way however it is cut, and what is read of it raises PeerErrors only."""
    result = walk(data, explicit, cuts, slice)
    assert result == walk(data, explicit, (), 2000)
    if isinstance(result, WalkResult):
        assert result.size == len(data)
        facts_of(result.values)
        departure(CT, result.values, result.pixel_data)
    for read in (
        lambda: decode_identifier(data, explicit),
        lambda: list(spliced(io.BytesIO(data), 0, len(data), explicit=explicit, policy=_WITHOUT_PATIENT_ID)),
    ):
        try:
            read()
        except PeerError as error:
            assert str(error)
