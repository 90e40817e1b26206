"""What is filled into a stencil is what was written by other means: a file's head, a command, an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty.dicom.part10 import file_meta, file_meta_stencil
from netty.dicom.stencil import Gap, Named, Piece, Stencil, filled, longest, with_gaps
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN
from netty.dimse.codec import encode_command
from netty.dimse.command import StoreRequest, StoreResponse
from netty.dimse.repeated import RepeatedCommands, response_stencil
from support.raw_peer import command_set, data_tf
from support.wire import CT_IMAGE_STORAGE

CONTEXT = 5
uids = st.lists(st.integers(0, 10**12), min_size=1, max_size=4).map(lambda parts: "1." + ".".join(map(str, parts)))
numbers = st.integers(0, 0xFFFF)


@given(uid=uids, version=st.sampled_from(["NETTY_1", ""]), title=st.sampled_from(["PACS", ""]))
def test_the_head_of_a_file(uid: str, version: str, title: str) -> None:
    fixed = (CT_IMAGE_STORAGE, IMPLICIT_VR_LITTLE_ENDIAN)
    more = {
        "implementation_class_uid": "2.25.42",
        "implementation_version_name": version,
        "source_ae_title": title,
    }
    expected = file_meta(fixed[0], uid, fixed[1], **more)

    assert filled(file_meta_stencil(*fixed, **more), Named(uid)) == expected


def store(uid: str, message_id: int, originator: str | None = None) -> StoreRequest:
    return StoreRequest(
        message_id=message_id,
        affected_sop_class_uid=CT_IMAGE_STORAGE,
        affected_sop_instance_uid=uid,
        move_originator_ae_title=originator,
    )


def stored(uid: str, message_id: int, comment: str | None = None) -> StoreResponse:
    return StoreResponse(
        message_id_being_responded_to=message_id,
        status=0xB000 if comment else 0,
        affected_sop_class_uid=CT_IMAGE_STORAGE,
        affected_sop_instance_uid=uid,
        error_comment=comment,
    )


def stencil_of(data: bytes) -> Stencil | None:
    """That of a command which has come."""
    commands = RepeatedCommands()
    return commands.stencil(commands.decode(data), CONTEXT)


def filled_with(stencil: Stencil | None, named: Named) -> bytes:
    assert stencil is not None
    return filled(stencil, named)


@given(first=uids, then=uids, numbers=st.tuples(numbers, numbers), originator=st.sampled_from([None, "NETTY"]))
def test_a_command(first: str, then: str, numbers: tuple[int, int], originator: str | None) -> None:
    stencil = stencil_of(encode_command(store(first, numbers[0], originator)))

    expected = data_tf(CONTEXT, 3, encode_command(store(then, numbers[1], originator)))
    assert filled_with(stencil, Named(then, numbers[1])) == expected


@given(first=uids, then=uids, numbers=st.tuples(numbers, numbers), comment=st.sampled_from([None, "Text"]))
def test_an_answer(first: str, then: str, numbers: tuple[int, int], comment: str | None) -> None:
    stencil = response_stencil(stored(first, numbers[0], comment), CONTEXT)

    expected = data_tf(CONTEXT, 3, encode_command(stored(then, numbers[1], comment)))
    assert filled_with(stencil, Named(then, numbers[1])) == expected


def test_of_a_command_behind_which_another_has_come_there_is_none() -> None:
    commands = RepeatedCommands()
    first = commands.decode(encode_command(store("1.2.3.44", 7)))
    commands.decode(encode_command(store("1.2.3.44", 7)))

    assert commands.stencil(first, CONTEXT) is None
    assert RepeatedCommands().stencil(first, CONTEXT) is None


USUAL = {0x0002: CT_IMAGE_STORAGE, 0x0100: 1, 0x0110: 7, 0x0700: 0, 0x0800: 1, 0x1000: "1.2.3.44"}


@pytest.mark.parametrize(
    "change",
    [{0x1000: b"1.2.3"}, {0x1000: b""}, {0x1000: None}],
    ids=["a UID of odd length", "an empty UID", "no UID"],
)
def test_of_a_command_that_is_written_otherwise_there_is_none(change: dict[int, bytes | None]) -> None:
    values = {tag: value for tag, value in {**USUAL, **change}.items() if value is not None}

    assert stencil_of(command_set(values)) is None


def test_a_group_length_that_is_wrong_stays_as_it_is() -> None:
    """Nothing depends on it; and what is the same for all is no lie of ours."""
    data = command_set(USUAL)
    wrong = data[:8] + b"\xff\0\0\0" + data[12:]

    expected = data_tf(CONTEXT, 3, wrong.replace(b"1.2.3.44", b"1.2.3.55"))
    assert filled_with(stencil_of(wrong), Named("1.2.3.55", 7)) == expected


def test_bytes_around_gaps() -> None:
    stencil = with_gaps(b"0123456789", [(slice(1, 3), Gap.MESSAGE_ID, 0), (slice(3, 5), Gap.UID_LENGTH_16, 7)])

    assert filled(stencil, Named("1.2", 0x4142)) == b"0BA" + b"\x0b\0" + b"56789"


def test_none_is_longer_than_it_says() -> None:
    stencil: Stencil = tuple(Piece(b"x", gap) for gap in Gap)
    most = Named("1." + "2" * 62, 0xFFFF, 1 << 40, 1 << 40, "x" * 96, "9" * 16, 1 << 60)

    assert len(filled(stencil, most)) <= longest(stencil)
