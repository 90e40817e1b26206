"""The express way gives what the long one gives: the same files, receipts, rows and answers, whatever comes."""

import hashlib
import select
import shutil
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netty import native
from netty.archive.digest import Digest
from netty.archive.registration import Registration
from netty.archive.spool import read_receipt
from netty.dicom import tags
from netty.dicom.facts import WANTED
from netty.dicom.iod import IOD_VALUES
from netty.network import accepted, shortcut
from netty.network.accepted import AcceptedAssociation, Ending
from netty.network.settings import ReceiveLimits
from netty.network.storage_scp import StorageScp
from netty.network.transport import Connection
from netty.workflow import receive
from netty.workflow.admission import Admissions
from netty.workflow.express import Express
from netty.workflow.receive import Receiver
from netty.workflow.settings import Durability, ReceiveSettings
from support.raw_peer import (
    ABORT,
    CT,
    DATA,
    EXPLICIT,
    IMPLICIT,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    VERIFICATION,
    Image,
    RawPeer,
    Request,
    command_set,
    data_tf,
    element,
    elements_of,
    images,
    pdu,
    pdv,
    raw_peer,
    store_command,
)
from support.receiving import Receiving, receiving
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

PATIENCE = 15.0
CONTEXT = 3
FORERUNNERS = 2
AT_ONCE, IN_A_THREAD = Durability.OS, Durability.FSYNC
NUMBER = 0x00200013
PIXELS = 0x7FE00010


@dataclass
class Kept:
    """How many images went the express way."""

    count: int = 0


@pytest.fixture(params=["in one go", "by the event loop"], autouse=True)
def _what_comes_is_read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the event loop, as where one association is alone, or by it."""
    if request.param == "by the event loop":
        monkeypatch.setattr(Connection, "wire", -1)


@pytest.fixture
def express(monkeypatch: pytest.MonkeyPatch) -> Kept:
    counted = Kept()
    keep = Express.keep

    def counting(one: Express) -> None:
        counted.count += 1
        keep(one)

    monkeypatch.setattr(Express, "keep", counting)
    return counted


@contextmanager
def the_long_way() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receive, "express_behind", lambda *_: None)
        yield


def numbered(count: int) -> list[Image]:
    """Images of a series as a scanner numbers them: from the tenth on, UIDs and numbers are longer."""
    first = images("express", 1)[0]
    return [
        first.but(sop=f"{first.series[:40]}.{number}").having({NUMBER: str(number)}) for number in range(8, 8 + count)
    ]


VRS = {
    **dict.fromkeys((0x00080016, 0x00080018, 0x0020000D, 0x0020000E), b"UI"),
    **dict.fromkeys((0x00280002, 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103), b"US"),
    0x00080020: b"DA",
    0x00080030: b"TM",
    0x00080050: b"SH",
    0x00080060: b"CS",
    0x00100010: b"PN",
    0x00100020: b"LO",
    0x00200011: b"IS",
    NUMBER: b"IS",
    0x00280004: b"CS",
    PIXELS: b"OW",
}
BEFORE = numbered(FORERUNNERS)
NEXT = numbered(FORERUNNERS + 1)[-1]
BEHIND = numbered(FORERUNNERS + 2)[-1]


def command(image: Image, message_id: int = 1, **changes: Any) -> bytes:
    return data_tf(CONTEXT, 3, store_command(image, message_id, **changes))


def in_pdus(data: bytes, longest: int = 16384) -> bytes:
    """A data set."""
    step = longest - 6
    last = (len(data) - 1) // step
    return b"".join(
        data_tf(CONTEXT, LAST * (number == last), data[number * step : (number + 1) * step])
        for number in range(last + 1)
    )


def explicit_form(image: Image) -> bytes:
    """Its data set in Explicit VR Little Endian."""
    data = b""
    for tag, value in elements_of(image.data).items():
        vr = VRS[tag]
        length = struct.pack("<HL", 0, len(value)) if vr == b"OW" else struct.pack("<H", len(value))
        data += struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + length + value
    return data


def message(image: Image, message_id: int = 1, longest: int = 16384) -> bytes:
    return command(image, message_id) + in_pdus(image.data, longest)


@dataclass(frozen=True)
class Outcome:
    """All that anybody can tell afterwards."""

    answers: tuple[bytes, ...]
    files: Mapping[str, object]
    rows: int
    audited: tuple[str, ...]
    ending: Ending
    messages: int


Talk = Callable[[RawPeer], tuple[bytes, ...]]


def one_by_one(*streams: bytes) -> Talk:
    """Each is sent when the one before it is answered."""

    def talk(peer: RawPeer) -> tuple[bytes, ...]:
        answers = []
        for stream in streams:
            with suppress(OSError):
                peer.send(stream)
            answers.append(peer.pdu())
        return tuple(answers)

    return talk


def at_once(*streams: bytes) -> Talk:
    """All are sent, and then nothing more: whatever answers come."""

    def talk(peer: RawPeer) -> tuple[bytes, ...]:
        with suppress(OSError):
            peer.send(b"".join(streams))
            peer.socket.shutdown(1)
        return tuple(iter(peer.pdu, b""))

    return talk


def outcome_of(
    folder: Path,
    talk: Talk,
    durability: Durability = AT_ONCE,
    request: Request | None = None,
    encode: Callable[[Image], bytes] = lambda image: image.data,
) -> Outcome:
    """Two images like each other come; then what `talk` says."""
    shutil.rmtree(folder, ignore_errors=True)
    receive_ = ReceiveSettings(durability=durability, transfer_syntaxes=(IMPLICIT, EXPLICIT))
    with receiving(folder, receive_) as served:
        served.open_lease(NEXT)
        with raw_peer(served.port) as peer:
            peer.associate(request)
            for number, image in enumerate(BEFORE, 1):
                assert peer.store(image, message_id=number, data=encode(image)).status == 0
            answers = talk(peer)
        report = served.ended()
        wait_until(lambda: is_settled(served), PATIENCE, "all rows are written, and all files where they belong")
        places = [served.folder / name for name in ("spool", "quarantine")]
        files = dict(spooled(path) for place in places for path in place.iterdir())
        audited = tuple(sorted(served.audited()))
        return Outcome(answers, files, len(served.registered()), audited, report.ending, report.messages)


def is_settled(served: Receiving) -> bool:
    return served.registered() == served.spooled() and not Registration(served.database).to_quarantine()


def spooled(path: Path) -> tuple[str, object]:
    """A file by its folder and SOP Instance UID: all of it but when it came."""
    receipt = read_receipt(path)
    assert receipt is not None
    assert abs(receipt.pop("received_at") - path.stat().st_mtime) < 60
    end = receipt["data_offset"] + receipt["data_length"]
    return f"{path.parent.name}/{receipt['sop_instance_uid']}", (
        hashlib.sha256(path.read_bytes()[:end]).hexdigest(),
        receipt,
    )


def both(folder: Path, talk: Talk, **how: Any) -> tuple[Outcome, Outcome]:
    """By the express way, where it is open, and by the long one."""
    short = outcome_of(folder / "short", talk, **how)
    with the_long_way():
        return short, outcome_of(folder / "long", talk, **how)


# --- images like those before ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("durability", list(Durability))
@pytest.mark.parametrize("longest", [16384, 480, 411], ids=["one PDU", "pixels in two", "hardly a pixel in the first"])
def test_they_are_kept_and_answered_as_ever(
    tmp_path: Path, express: Kept, durability: Durability, longest: int
) -> None:
    behind = numbered(8)[FORERUNNERS:]
    streams = [message(image, number, longest) for number, image in enumerate(behind, FORERUNNERS + 1)]

    short, long = both(tmp_path, one_by_one(*streams), durability=durability)

    assert short == long
    assert express.count == short.messages - FORERUNNERS == short.rows - FORERUNNERS == len(streams)


def test_another_transfer_syntax_goes_the_express_way_too(tmp_path: Path, express: Kept) -> None:
    explicit = Request(contexts=((CONTEXT, CT, (EXPLICIT,)),))
    stream = command(NEXT, 3) + in_pdus(explicit_form(NEXT))

    short, long = both(tmp_path, one_by_one(stream), request=explicit, encode=explicit_form)

    assert short == long
    assert express.count == 1


def test_several_may_come_before_the_first_is_answered(tmp_path: Path, express: Kept) -> None:
    streams = [message(image, number) for number, image in enumerate(numbered(6)[FORERUNNERS:], 3)]

    short, long = both(tmp_path, at_once(*streams, RELEASING))

    assert short == long
    assert short.rows == FORERUNNERS + len(streams)
    assert short.answers[-1] == pdu(RELEASE_RP, bytes(4))


@pytest.mark.parametrize("first_read", [1, 6, 12, len(command(NEXT, 3)) - 1, len(command(NEXT, 3)) + 3])
def test_a_command_may_come_in_two_reads(tmp_path: Path, express: Kept, first_read: int) -> None:
    """DCMTK writes the header of a PDU by itself."""
    stream = message(NEXT, 3)
    with on_the_express_way(tmp_path) as (served, peer):
        connection = the_association(served).connection
        before = connection.bytes_received
        peer.send(stream[:first_read])
        wait_until(lambda: connection.bytes_received == before + first_read, PATIENCE, "its beginning was read")
        peer.send(stream[first_read:])

        assert peer.receive().status == 0
    assert express.count == 1


@pytest.mark.parametrize(
    ("stretch", "turns"), [(PATIENCE, 1), (0.0, 4)], ids=["in one go", "with a turn for others behind each"]
)
def test_an_image_that_comes_right_behind_an_answer_need_not_wait_for_the_event_loop(
    tmp_path: Path, express: Kept, monkeypatch: pytest.MonkeyPatch, stretch: float, turns: int
) -> None:
    streams = [message(image, number) for number, image in enumerate(numbered(6)[FORERUNNERS:], FORERUNNERS + 1)]
    prepare, buffer_updated, updates = Express.prepare, Connection.buffer_updated, []

    def counting(one: Connection, size: int) -> None:
        updates.append(size)
        buffer_updated(one, size)

    with on_the_express_way(tmp_path) as (served, peer):
        descriptor = the_association(served).connection._descriptor

        def once_the_next_has_come(one: Express) -> None:
            prepare(one)
            if express.count < len(streams):
                assert select.select([descriptor], [], [], PATIENCE)[0]

        monkeypatch.setattr(accepted, "_AT_A_STRETCH", stretch)
        monkeypatch.setattr(Connection, "buffer_updated", counting)
        monkeypatch.setattr(Express, "prepare", once_the_next_has_come)
        for stream in streams:
            peer.send(stream)
            assert peer.receive().status == 0

    assert express.count == len(streams)
    assert updates == [len(stream) for stream in streams][: turns if isinstance(Connection.wire, property) else None]


def test_pixels_that_begin_behind_the_first_pdu_go_the_long_way(tmp_path: Path, express: Kept) -> None:
    short, long = both(tmp_path, one_by_one(message(NEXT, 3, 64)))

    assert short == long
    assert short.rows == FORERUNNERS + 1
    assert express.count == 0


def test_where_others_wait_for_the_disk_too_it_goes_on_all_the_same(tmp_path: Path, express: Kept) -> None:
    with receiving(tmp_path, ReceiveSettings(durability=IN_A_THREAD)) as served:
        served.open_lease(NEXT)
        with raw_peer(served.port) as one, raw_peer(served.port) as other:
            for peer in (one, other):
                peer.associate()
            for image in BEFORE:
                assert one.store(image).status == 0
                assert other.store(image).status == 0
            one.send(message(NEXT))
            other.send(message(BEHIND))
            assert one.receive().status == other.receive().status == 0
            for peer in (one, other):
                peer.release()

    assert express.count == 2


# --- what departs ----------------------------------------------------------------------------------------------------

OTHERS = sorted((WANTED | IOD_VALUES | {0x00200032, 0x00080008}) - {tags.SOP_INSTANCE_UID, tags.PIXEL_DATA})
DATA_SET = NEXT.data
ABORTING, RELEASING = pdu(ABORT, bytes(4)), pdu(RELEASE_RQ, bytes(4))


def first(size: int) -> bytes:
    """The command, and the beginning of the data set."""
    return command(NEXT, 3) + data_tf(CONTEXT, 0, DATA_SET[:size])


def with_value(tag: int, value: bytes | None) -> bytes:
    return command(NEXT, 3) + in_pdus(NEXT.having({tag: value}).data)


def lying_pdu(length: int, body: bytes) -> bytes:
    return struct.pack(">BBL", DATA, 0, length) + body


DEPARTURES: Mapping[str, bytes] = {
    "another SOP instance in the data set": command(NEXT, 3) + in_pdus(BEHIND.data),
    "no SOP instance in the data set": with_value(tags.SOP_INSTANCE_UID, None),
    "a UID padded with a space": with_value(tags.SOP_INSTANCE_UID, NEXT.sop.encode() + b" " * (len(NEXT.sop) % 2)),
    "a value twice": command(NEXT, 3) + in_pdus(element(0x00080060, "CT") + DATA_SET),
    "the UID twice": command(NEXT, 3) + in_pdus(element(tags.SOP_INSTANCE_UID, NEXT.sop) + DATA_SET),
    "an unwanted element": command(NEXT, 3) + in_pdus(NEXT.having({0x00080008: "ORIGINAL"}).data),
    "another study": command(NEXT, 3) + in_pdus(NEXT.but(study="1.2.3.4").data),
    "another patient": command(NEXT, 3) + in_pdus(NEXT.but(patient_id="RAW-2").data),
    "fewer pixels": with_value(PIXELS, bytes(126)),
    "more pixels": with_value(PIXELS, bytes(130)),
    "no pixels": with_value(PIXELS, None),
    "something behind the pixels": command(NEXT, 3) + in_pdus(DATA_SET + element(0xFFFCFFFC, bytes(4))),
    "half an element behind the pixels": command(NEXT, 3) + in_pdus(DATA_SET + b"\xfc\xff\xfc"),
    "pixels that are cut off": command(NEXT, 3) + in_pdus(DATA_SET[:-2]),
    "a data set that is cut off": command(NEXT, 3) + in_pdus(DATA_SET[:100]),
    "an empty data set": command(NEXT, 3) + data_tf(CONTEXT, LAST, b""),
    "an element that is too long": command(NEXT, 3) + in_pdus(DATA_SET[:60] + b"\xff" + DATA_SET[61:]),
    "Explicit VR after all": command(NEXT, 3) + in_pdus(b"\x08\x00\x16\x00UI\x1a\x00" + DATA_SET[8:]),
    "an Instance Number with a sign": with_value(NUMBER, b"+1"),
    "an Instance Number of words": with_value(NUMBER, b"one "),
    "an Instance Number padded on the left": with_value(NUMBER, b" 1"),
    "an Instance Number with two spaces": with_value(NUMBER, b"1  "),
    "an Instance Number of many digits": with_value(NUMBER, b"1" * 20),
    "no Instance Number": with_value(NUMBER, None),
    "an empty Instance Number": with_value(NUMBER, b""),
    "another priority": command(NEXT, 3, priority=1) + in_pdus(DATA_SET),
    "an originator": command(NEXT, 3, originator="NETTY", originator_id=7) + in_pdus(DATA_SET),
    "another SOP class in the command": command(NEXT, 3, sop_class="1.2.840.10008.5.1.4.1.1.4") + in_pdus(DATA_SET),
    "a UID that is none in the command": command(NEXT, 3, sop="1..2.") + in_pdus(DATA_SET),
    "a UID with leading zeros": command(NEXT, 3, sop="1.02.3") + in_pdus(NEXT.but(sop="1.02.3").data),
    "a UID of 64 characters": command(NEXT, 3, sop="1." + "2" * 62) + in_pdus(NEXT.but(sop="1." + "2" * 62).data),
    "a UID of 66 characters": command(NEXT, 3, sop="1." + "2" * 64) + in_pdus(NEXT.but(sop="1." + "2" * 64).data),
    "no UID in the command": command(NEXT, 3, sop=None) + in_pdus(DATA_SET),
    "a UID of one digit": command(NEXT, 3, sop=b"1\0") + in_pdus(NEXT.having({tags.SOP_INSTANCE_UID: b"1\0"}).data),
    "a command without a data set": command(NEXT, 3, data_set=0x0101),
    "an echo": data_tf(1, 3, command_set({0x0002: VERIFICATION, 0x0100: 0x0030, 0x0110: 9, 0x0800: 0x0101})),
    "a command in two parts": data_tf(CONTEXT, 1, store_command(NEXT, 3)[:40])
    + data_tf(CONTEXT, 3, store_command(NEXT, 3)[40:])
    + in_pdus(DATA_SET),
    "command and data set in one PDU": pdu(DATA, pdv(CONTEXT, 3, store_command(NEXT, 3)) + pdv(CONTEXT, 2, DATA_SET)),
    "two fragments in one PDU": command(NEXT, 3)
    + pdu(DATA, pdv(CONTEXT, 0, DATA_SET[:420]) + pdv(CONTEXT, 2, DATA_SET[420:])),
    "an empty fragment at the end": command(NEXT, 3) + data_tf(CONTEXT, 0, DATA_SET) + data_tf(CONTEXT, LAST, b""),
    "an empty fragment at the beginning": command(NEXT, 3)
    + data_tf(CONTEXT, 0, b"")
    + data_tf(CONTEXT, LAST, DATA_SET),
    "another context": command(NEXT, 3) + data_tf(1, LAST, DATA_SET),
    "another context behind the first PDU": command(NEXT, 3)
    + data_tf(CONTEXT, 0, DATA_SET[:440])
    + data_tf(1, LAST, DATA_SET[440:]),
    "a context that is not there": command(NEXT, 3) + data_tf(99, LAST, DATA_SET),
    "a command in the midst": first(440) + command(BEHIND, 4),
    "a command behind a command": command(NEXT, 3) + command(BEHIND, 4),
    "an abort in the midst": first(440) + ABORTING,
    "a release in the midst": first(440) + RELEASING,
    "a PDU that is too long": command(NEXT, 3) + lying_pdu(1 << 20, pdv(CONTEXT, 2, DATA_SET)),
    "a PDU of another length than its PDV": command(NEXT, 3) + lying_pdu(len(DATA_SET) + 5, pdv(CONTEXT, 2, DATA_SET)),
    "a PDV without a header": command(NEXT, 3) + pdu(DATA, b"\0\0\0\1\3"),
    "a PDU of another kind": command(NEXT, 3) + pdu(9, DATA_SET),
    "a release": RELEASING,
}


@pytest.mark.parametrize("how", [pytest.param(stream, id=name) for name, stream in DEPARTURES.items()])
def test_what_departs_is_treated_as_ever(tmp_path: Path, how: bytes) -> None:
    short, long = both(tmp_path, at_once(how, message(BEHIND, 4)))

    assert short == long


@pytest.mark.parametrize("value", [b"7 ", b"", None], ids=["another", "empty", "absent"])
@pytest.mark.parametrize("tag", OTHERS, ids=lambda tag: f"{tag:08X}")
def test_each_value_counts(tmp_path: Path, tag: int, value: bytes | None) -> None:
    short, long = both(tmp_path, at_once(with_value(tag, value), message(BEHIND, 4)))

    assert short == long


@pytest.mark.parametrize("end", range(0, len(message(NEXT)), 97))
def test_a_sender_that_breaks_off_leaves_nothing_behind(tmp_path: Path, end: int) -> None:
    short, long = both(tmp_path, at_once(message(NEXT)[:end]))

    assert short == long
    assert short.rows == FORERUNNERS


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_treated_as_ever(tmp_path: Path, data: st.DataObject) -> None:
    stream = bytearray(message(NEXT, 3, data.draw(st.sampled_from([16384, 430]))))
    for place in data.draw(st.lists(st.integers(0, len(stream) - 1), min_size=1, max_size=3)):
        stream[place] = data.draw(st.integers(0, 255))

    short, long = both(tmp_path, at_once(bytes(stream), message(BEHIND, 4)))

    assert short == long


# --- what else may happen --------------------------------------------------------------------------------------------


@contextmanager
def on_the_express_way(
    folder: Path, durability: Durability = AT_ONCE, limits: ReceiveLimits | None = None
) -> Iterator[tuple[Receiving, RawPeer]]:
    """Two images have come."""
    with receiving(folder, ReceiveSettings(durability=durability), limits=limits) as served:
        served.open_lease(NEXT)
        with raw_peer(served.port) as peer:
            peer.associate()
            for number, image in enumerate(BEFORE, 1):
                assert peer.store(image, message_id=number).status == 0
            yield served, peer


def unsealed(served: Receiving) -> list[str]:
    """Files that lie in the spool and do not count."""
    folder = served.folder / "spool"
    return [name for name in served.spooled() if read_receipt(folder / name) is None]


def test_no_file_is_held_once_the_association_rests(tmp_path: Path) -> None:
    with on_the_express_way(tmp_path, limits=ReceiveLimits(rate_window=0.2)) as (served, peer):
        wait_until(lambda: not unsealed(served), PATIENCE, "the file made ahead is gone")

        assert peer.store(NEXT).status == 0


def test_no_file_is_held_once_the_association_is_over(tmp_path: Path) -> None:
    with on_the_express_way(tmp_path) as (served, peer):
        assert len(unsealed(served)) == 1
        peer.release()
        served.ended()

        assert unsealed(served) == []


def test_a_file_that_somebody_removes_is_refused_and_the_next_image_kept(tmp_path: Path, express: Kept) -> None:
    with on_the_express_way(tmp_path) as (served, peer):
        for name in unsealed(served):
            (served.folder / "spool" / name).unlink()
        refused, after = peer.store(NEXT, message_id=7), peer.store(NEXT, message_id=8)

        assert (refused.status, refused.number(0x0120)) == (0xA700, 7)
        assert refused.text(0x1000) == NEXT.sop
        assert (after.status, after.number(0x0120)) == (0, 8)
        wait_until(lambda: len(served.registered()) == FORERUNNERS + 1, PATIENCE, "the rows are written")


@pytest.mark.parametrize("durability", list(Durability))
def test_a_sync_that_fails_is_refused(tmp_path: Path, durability: Durability, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_the_express_way(tmp_path, durability) as (served, peer):

        def failing(one: Express, *wire: int) -> bytes:
            served_file = one._file
            assert served_file is not None
            (served.folder / "spool" / served_file.name).unlink()
            return seal(one, *wire)

        seal = Express.seal
        monkeypatch.setattr(Express, "seal", failing)

        assert peer.store(NEXT, message_id=9).status == 0xA700
        assert unsealed(served) == []


@pytest.mark.parametrize("durability", list(Durability))
def test_a_fault_of_ours_while_sealing_leaves_nothing_behind(
    tmp_path: Path, durability: Durability, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Digest) -> str:
        raise MemoryError

    with on_the_express_way(tmp_path, durability) as (served, peer):
        monkeypatch.setattr(Digest, "text", property(broken))
        assert peer.store(NEXT, message_id=9).status == 0xA700
        monkeypatch.undo()

        assert unsealed(served) == []
        assert peer.store(NEXT, message_id=10).status == 0


def test_once_the_disk_is_full_the_next_image_is_refused_with_the_reason(tmp_path: Path) -> None:
    with on_the_express_way(tmp_path) as (served, peer):
        object.__setattr__(receiver_of(served).settings, "minimum_free", 1 << 60)
        taken, refused = peer.store(NEXT), peer.store(BEHIND)

        assert taken.status == 0  # its file was there already
        assert refused.status == 0xA700
        assert "disk" in refused.comment


def test_once_the_lease_may_have_lapsed_the_database_is_asked_again(
    tmp_path: Path, express: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Admissions, "sure_until", lambda *_: 0.0)
    short = outcome_of(tmp_path, one_by_one(message(NEXT, 3), message(BEHIND, 4)))

    assert short.rows == FORERUNNERS + 2
    assert express.count == 0


def test_what_is_under_way_when_the_service_stops_is_finished_and_the_next_refused(
    tmp_path: Path, express: Kept
) -> None:
    stream = message(NEXT, 3, 430)
    with on_the_express_way(tmp_path) as (served, peer):
        peer.send(stream[:-100])
        wait_until(lambda: is_amid(served), PATIENCE, "the image is under way")
        stopped = served.begin(served.server.stop(grace=0.1))
        wait_until(lambda: is_refusing(served), PATIENCE, "the service stops")
        peer.send(stream[-100:])
        finished, refused = peer.receive(), peer.store(BEHIND)
        stopped()

        assert finished.status == 0
        assert refused.status != 0
        assert express.count == 1
        wait_until(lambda: len(served.registered()) == FORERUNNERS + 1, PATIENCE, "the rows are written")


def test_what_is_being_sealed_is_kept_though_the_sender_has_gone(
    tmp_path: Path, express: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_seal, sealing = threading.Event(), threading.Event()
    seal = Express.seal

    def waiting(one: Express) -> bytes:
        sealing.set()
        assert may_seal.wait(PATIENCE)
        return seal(one)

    with on_the_express_way(tmp_path, IN_A_THREAD) as (served, peer):
        monkeypatch.setattr(Express, "seal", waiting)
        peer.send(message(NEXT, 3))
        assert sealing.wait(PATIENCE)
        peer.close()
        wait_until(lambda: the_association(served).connection.is_closed, PATIENCE, "it has gone")
        may_seal.set()
        wait_until(lambda: len(served.registered()) == FORERUNNERS + 1, PATIENCE, "the rows are written")

        assert served.ended().ending is Ending.LOST
        assert unsealed(served) == []
    assert express.count == 1


def test_a_fault_of_ours_in_it_costs_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise MemoryError

    with on_the_express_way(tmp_path) as (served, peer):
        one = the_association(served)._shortcut._express
        assert isinstance(one, Express)
        monkeypatch.setattr(one, "take", broken)

        assert peer.store(NEXT).status == 0
        wait_until(lambda: len(served.registered()) == FORERUNNERS + 1, PATIENCE, "the rows are written")


def test_an_image_that_does_not_fit_into_the_buffer_goes_the_long_way(tmp_path: Path, express: Kept) -> None:
    large = {0x00280010: 800, 0x00280011: 800, PIXELS: bytes(800 * 800 * 2)}
    with receiving(tmp_path, ReceiveSettings(durability=AT_ONCE)) as served:
        served.open_lease(NEXT)
        with raw_peer(served.port) as peer:
            peer.associate()
            for image in numbered(4):
                assert peer.store(image.having(large)).status == 0
            peer.release()
        wait_until(lambda: len(served.registered()) == 4, PATIENCE, "the rows are written")

    assert express.count == 0


def test_a_message_in_the_midst_of_a_command_is_none(tmp_path: Path, express: Kept) -> None:
    with on_the_express_way(tmp_path) as (served, peer):
        half = data_tf(CONTEXT, 1, store_command(NEXT, 3)[:40])
        before = the_association(served).connection.bytes_received
        peer.send(half)
        wait_until(
            lambda: the_association(served).connection.bytes_received == before + len(half), PATIENCE, "half has come"
        )
        peer.send(message(NEXT, 3))

        assert peer.pdu()[:1] == bytes((ABORT,))
    assert express.count == 0


@pytest.mark.parametrize("durability", list(Durability))
def test_what_came_before_the_answer_to_the_forerunner_is_not_taken_for_it(
    tmp_path: Path, durability: Durability
) -> None:
    def wrong(image: Image, message_id: int) -> bytes:
        return command(image, message_id, sop_class="1.2.840.10008.5.1.4.1.1.4") + in_pdus(image.data)

    with receiving(tmp_path, ReceiveSettings(durability=durability)) as served, raw_peer(served.port) as peer:
        served.open_lease(NEXT)
        peer.associate()
        assert peer.store(BEFORE[0]).status == 0
        peer.send(message(BEFORE[1], 2) + wrong(NEXT, 3))
        answers = [peer.receive().status, peer.receive().status]
        peer.send(wrong(BEHIND, 4))
        answers.append(peer.receive().status)

        assert answers[0] == 0
        assert answers[1] == answers[2] != 0


def test_an_image_under_way_while_the_sender_reads_no_answers_goes_the_long_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = message(NEXT, 3, 430)
    with on_the_express_way(tmp_path) as (served, peer):
        peer.send(stream[:-100])
        wait_until(lambda: is_amid(served), PATIENCE, "the image is under way")
        monkeypatch.setattr(Connection, "is_full", property(lambda _: True))
        peer.send(stream[-100:])
        wait_until(lambda: not is_amid(served), PATIENCE, "it has left the express way")
        monkeypatch.undo()

        assert peer.receive().status == 0
        assert peer.store(BEHIND, message_id=4).status == 0
        wait_until(lambda: len(served.registered()) == FORERUNNERS + 2, PATIENCE, "the rows are written")
        for image in (NEXT, BEHIND):
            (file,) = [name for name in served.spooled() if receipt_of(served, name)["sop_instance_uid"] == image.sop]
            assert image.data in (served.folder / "spool" / file).read_bytes()


def receipt_of(served: Receiving, name: str) -> Mapping[str, Any]:
    return read_receipt(served.folder / "spool" / name) or {"sop_instance_uid": ""}


def test_a_sender_that_takes_its_time_goes_the_long_way(
    tmp_path: Path, express: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortcut, "_SWIFT", 0.0)
    stream = message(NEXT, 3, 430)
    with on_the_express_way(tmp_path) as (served, peer):
        peer.send(stream[:-100])
        wait_until(lambda: not the_association(served)._shortcut._express, PATIENCE, "it has left the express way")
        peer.send(stream[-100:])

        assert peer.receive().status == 0
        wait_until(lambda: len(served.registered()) == FORERUNNERS + 1, PATIENCE, "the rows are written")
    assert express.count == 0


def test_images_of_two_series_in_turn_go_the_long_way(tmp_path: Path, express: Kept) -> None:
    mixed = [image.but(series=f"1.2.3.{number % 2}") for number, image in enumerate(numbered(6))]
    with receiving(tmp_path, ReceiveSettings(durability=AT_ONCE)) as served:
        served.open_lease(NEXT)
        with raw_peer(served.port) as peer:
            peer.associate()
            for image in mixed:
                assert peer.store(image).status == 0
            peer.release()
        wait_until(lambda: len(served.registered()) == len(mixed), PATIENCE, "the rows are written")

    assert express.count == 0


def test_only_so_many_associations_go_the_express_way(
    tmp_path: Path, express: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortcut, "MOST_OPEN", len(shortcut._OPEN) + 1)
    with on_the_express_way(tmp_path) as (served, peer), raw_peer(served.port) as other:
        other.associate()
        for image in (*BEFORE, NEXT):
            assert other.store(image).status == 0
        assert express.count == 0
        assert peer.store(BEHIND).status == 0
        assert express.count == 1
        peer.release()
        served.ended()
        for image in (NEXT, BEHIND):
            assert other.store(image).status == 0

    assert express.count == 2


def the_association(served: Receiving) -> AcceptedAssociation:
    (one,) = served.server._running
    return one


def is_amid(served: Receiving) -> bool:
    return the_association(served)._shortcut.is_amid


def is_refusing(served: Receiving) -> bool:
    return the_association(served)._refusing is not None


def receiver_of(served: Receiving) -> Receiver:
    scp = served.server._offers[CT].service
    assert isinstance(scp, StorageScp)
    assert isinstance(scp._handler, Receiver)
    return scp._handler
