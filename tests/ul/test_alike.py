"""Messages in a row that begin with the same command: what is taken of them, and where it stops (PS3.8 9.3.5)."""

import pytest

from netty.ul import alike
from netty.ul.alike import TakeAlike
from support.wire import AssociationPair, Side

COMMAND = bytes.fromhex("04 00 00000008 00000004 03 03 5555")
DATA = bytes.fromhex("04 00 00000009 00000005 03 02")  # and 3 bytes
LONGEST = 16

both = pytest.mark.parametrize("take", [alike.take_alike, alike.by_python], ids=["installed", "python"])


def taken(take: TakeAlike, data: bytes, most: int = 64) -> tuple[int, list[bytes]]:
    return take(memoryview(data), 0, len(data), COMMAND, LONGEST, most)


@both
def test_as_many_as_have_come_whole(take: TakeAlike) -> None:
    data = COMMAND + DATA + b"one" + COMMAND + DATA + b"two" + COMMAND + DATA + b"th"

    assert taken(take, data) == (2 * 29, [b"one", b"two"])


@both
def test_no_more_than_are_wanted(take: TakeAlike) -> None:
    assert taken(take, (COMMAND + DATA + b"one") * 3, most=2) == (2 * 29, [b"one", b"one"])


@both
def test_an_empty_data_set_is_one(take: TakeAlike) -> None:
    empty = bytes.fromhex("04 00 00000006 00000002 03 02")

    assert taken(take, COMMAND + empty) == (26, [b""])


@both
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(COMMAND[:-1] + b"\x56" + DATA + b"one", id="another command"),
        pytest.param(COMMAND + COMMAND + DATA + b"one", id="a command where a data set was to come"),
        pytest.param(COMMAND + DATA[:9] + b"\x05\x05\x02one", id="another presentation context"),
        pytest.param(COMMAND + DATA[:-1] + b"\x00one", id="a fragment that is not the last"),
        pytest.param(COMMAND + DATA[:-1] + b"\x03one", id="a fragment of a command"),
        pytest.param(COMMAND + b"\x07" + DATA[1:] + b"one", id="no data transfer"),
        pytest.param(COMMAND + bytes.fromhex("04 00 0000000A 00000005 03 02") + b"one+", id="bytes behind the PDV"),
        pytest.param(COMMAND + bytes.fromhex("04 00 00000005 00000001 03 02"), id="a PDV that is too short"),
        pytest.param(COMMAND + bytes.fromhex("04 00 00000011 0000000D 03 02") + bytes(11), id="a PDU that is too long"),
        pytest.param(COMMAND + bytes.fromhex("04 00 FFFFFFFF FFFFFFFB 03 02") + bytes(11), id="an enormous length"),
    ],
)
def test_whatever_differs_or_is_odd_is_left(take: TakeAlike, data: bytes) -> None:
    assert taken(take, data) == (0, [])


def requestor_with(data: bytes) -> Side:
    side = AssociationPair().establish().requestor
    side.association.receive_data(data)
    return side


def test_who_asks_has_room_for_the_answers_to_a_query_and_who_is_asked_holds_little() -> None:
    pair = AssociationPair().establish()

    assert (pair.requestor.association.memory, pair.acceptor.association.memory) == (16384, 4096)


def test_an_association_gives_the_rest_as_events() -> None:
    association = requestor_with(COMMAND + DATA + b"one" + DATA + b"two").association

    assert association.messages_alike(COMMAND, 64) == [b"one"]
    assert [bytes(event.parts[0]) for event in association.events()] == [b"two"]  # type: ignore[union-attr]


def test_nothing_is_taken_amid_another_data_set() -> None:
    association = requestor_with(DATA[:-1] + b"\x00" + b"on").association
    next(association.events())

    association.receive_data(COMMAND + DATA + b"two")

    assert association.messages_alike(COMMAND, 64) == []


def test_nothing_is_taken_once_the_association_is_aborted() -> None:
    association = requestor_with(COMMAND + DATA + b"one").association
    association.abort()

    assert association.messages_alike(COMMAND, 64) == []
