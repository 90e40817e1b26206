"""C-STORE as SCP: statement 4.3, 4.3.1 and table 6, in the conditions of PS3.4 B.2.3."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from netty.archive.digest import has_digest
from netty.network.settings import ReceiveLimits
from netty.workflow.settings import Keep, ReceiveSettings, Unsolicited
from support.raw_peer import (
    ABORT,
    COMMAND,
    CT,
    EXPLICIT,
    IMPLICIT,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    VERIFICATION,
    Image,
    Message,
    Request,
    data_tf,
    images,
    pdu,
    raw_peer,
    store_all,
    store_command,
)
from support.receiving import Receiving, receiving
from support.statement import rows, states
from support.waiting import wait_until

MR = "1.2.840.10008.5.1.4.1.1.4"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
CONTEXTS = ((1, VERIFICATION, (IMPLICIT,)), (3, CT, (IMPLICIT,)), (5, MR, (IMPLICIT,)), (7, GSPS, (IMPLICIT,)))
REQUEST = Request(contexts=CONTEXTS)
SOP_CLASS, SOP, STUDY, SERIES, PATIENT_ID, ROWS, PIXELS = (
    0x00080016,
    0x00080018,
    0x0020000D,
    0x0020000E,
    0x00100020,
    0x00280010,
    0x7FE00010,
)


@dataclass(frozen=True)
class Case:
    """A condition, and what is answered in it. `image` and `data` change what is sent."""

    name: str
    statement: int
    standard: int
    image: Callable[[Image], Image] = lambda image: image
    data: Callable[[bytes], bytes] | None = None
    command: dict[str, Any] = field(default_factory=dict)
    context: int = 3
    offending: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    keep: Keep = Keep.NONE


def _having(changes: dict[int, Any]) -> Callable[[Image], Image]:
    return lambda image: image.having(changes)


def _explicit(data: bytes) -> bytes:
    """The first elements of a data set in Explicit VR Little Endian."""
    return b"\x08\x00\x16\x00UI\x1a\x00" + CT.encode() + b"\0" + b"\x08\x00\x18\x00UI\x06\x001.2.3\0"


WARN = {"warn_changes": True}
CASES = [
    Case("all is well", 0x0000, 0x0000),
    Case("no room on the disk", 0xA700, 0xA700, settings={"minimum_free": 1 << 60}),
    Case("a class that is not of the context", 0xA800, 0x0122, command={"sop_class": MR}, offending=0x0002),
    Case("a class that we do not serve", 0xA800, 0x0122, command={"sop_class": "1.2.3"}, offending=0x0002),
    Case("another class in the data set", 0xA900, 0xA900, _having({SOP_CLASS: MR}), offending=SOP_CLASS),
    Case("another instance in the data set", 0xA900, 0xA900, _having({SOP: "1.2.3"}), offending=SOP),
    Case("no class in the data set", 0xA900, 0xA900, _having({SOP_CLASS: None}), offending=SOP_CLASS),
    Case("no instance in the data set", 0xA900, 0xA900, _having({SOP: None}), offending=SOP),
    Case("a data set that is cut off", 0xC000, 0xC000, data=lambda data: data[:-10]),
    Case("a header that is cut off", 0xC000, 0xC000, data=lambda data: data + b"\xe0\x7f\x20"),
    Case("explicit VR in an implicit context", 0xC000, 0xC000, data=_explicit),
    Case("no study", 0xC000, 0xC000, _having({STUDY: None}), offending=STUDY),
    Case("no series", 0xC000, 0xC000, _having({SERIES: None}), offending=SERIES),
    Case("an empty data set", 0xA900, 0xA900, data=lambda data: b"", offending=SOP_CLASS),
    Case("no data set", 0xC000, 0xC000, command={"data_set": 0x0101}, offending=0x0800),
    Case("an instance UID that is none", 0xC000, 0x0117, command={"sop": "1.2.a "}, offending=0x1000),
    Case("no instance UID in the command", 0x0212, 0x0212, command={"sop": None}, offending=0x1000),
    Case("no class UID in the command", 0x0212, 0x0212, command={"sop_class": None}, offending=0x0002),
    Case("no rows", 0xB007, 0xB007, _having({ROWS: None}), offending=ROWS),
    Case("no pixels", 0xB007, 0xB007, _having({PIXELS: None}), offending=PIXELS),
    Case("too few pixels", 0xB007, 0xB007, _having({PIXELS: bytes(126)}), offending=PIXELS),
    Case("no DICOM is kept", 0xB006, 0xB006, settings=WARN),
    Case("identifying elements are emptied", 0xB000, 0xB000, settings=WARN, keep=Keep.STATEMENT, offending=PATIENT_ID),
    Case("identifying elements are removed", 0xB006, 0xB006, settings=WARN, keep=Keep.BASIC),
    Case("a warning that says more", 0xB007, 0xB007, _having({ROWS: None}), settings=WARN, offending=ROWS),
    Case("changes of which nobody wants to know", 0x0000, 0x0000, keep=Keep.STATEMENT),
    Case(
        "no picture, so nothing is dropped",
        0x0000,
        0x0000,
        lambda image: image.but(sop_class=GSPS).having({PIXELS: None, ROWS: None}),
        settings=WARN,
        context=7,
    ),
    Case("an operation that we do not serve here", 0x0211, 0x0211, command={"field": 0x0020, "sop": None}),
]


def offered(running: Receiving, case: Case, image: Image) -> Message:
    """Store an image as the case says."""
    image = case.image(image)
    command = store_command(image, **case.command)
    data: bytes | None = image.data if case.data is None else case.data(image.data)
    if case.command.get("data_set") == 0x0101:
        data = None
    with raw_peer(running.port) as peer:
        peer.associate(REQUEST)
        peer.message(case.context, command, data)
        answer = peer.receive()
        assert peer.echo() == 0x0000  # the association goes on, whatever was answered
        peer.release()
        return answer


@states("table 6", "4.3.1 (3) (c)")
@pytest.mark.parametrize("statuses", ["statement", "standard"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_store_is_answered_by_what_became_of_it(tmp_path: Path, case: Case, statuses: str) -> None:
    settings = ReceiveSettings(statuses=statuses, **case.settings)  # type: ignore[arg-type]
    with receiving(tmp_path, settings, keep=case.keep) as running:
        image = images("store", 1)[0]
        running.open_lease(image)
        answer = offered(running, case, image)
        status = getattr(case, statuses)
        stored = wait_stored(running, status)

    assert f"{answer.status:04X}" == f"{status:04X}"
    assert answer.number(0x0120) == 1
    assert bool(answer.comment) is (status != 0x0000)
    assert len(answer.comment) <= 64
    assert answer.offending == case.offending
    assert stored == (status == 0 or status >> 12 == 0xB)


def wait_stored(running: Receiving, status: int) -> bool:
    """Whether there is one spool file, registered; none is left of what was refused."""
    names = [name for name, _ in running.spool.sealed()]
    if status and status >> 12 != 0xB:
        assert not running.spooled()
        return False
    wait_until(lambda: running.registered() == names, 10, "what was stored has its row")
    return len(names) == 1


def test_every_row_of_table_6_has_its_condition() -> None:
    in_cases = {f"{case.statement:04X}" for case in CASES} | {"FF00"}

    assert {row[0] for row in rows("6")} <= in_cases
    assert in_cases - {row[0] for row in rows("6")} == {"0211", "0212"}  # of PS3.7, for commands that are no C-STORE


@states("table 6")
@pytest.mark.parametrize(("statuses", "status"), [("statement", 0xFF00), ("standard", 0xA700)])
def test_ff00_is_said_only_just_before_closing(tmp_path: Path, statuses: Any, status: int) -> None:
    image, late = images("stopping", 2)
    with (
        receiving(tmp_path, ReceiveSettings(statuses=statuses)) as running,
        raw_peer(running.port) as peer,
        raw_peer(running.port) as newcomer,
    ):
        running.open_lease(image)
        peer.associate(REQUEST)
        peer.message(3, store_command(image))
        peer.send(data_tf(3, 0, image.data[:100]))
        stopped = running.begin(running.server.stop(grace=0.05))
        wait_until(lambda: running.server.overload is not None, 5, "it stops")
        newcomer.send(REQUEST.encoded())
        assert newcomer.pdu()[7:10] == bytes((2, 3, 1))  # temporary congestion
        running.run(running.grace(0.2))
        peer.send(data_tf(3, LAST, image.data[100:]))
        under_way = peer.receive()
        answer = peer.store(late)
        ended = peer.pdu()
        peer.close()
        stopped()

    assert under_way.status == 0x0000
    assert answer.status == status
    assert answer.comment
    assert ended[:1] == bytes((ABORT,))


# --- what we asked for ---------------------------------------------------------------------------------------------


def test_the_move_originator_chooses_between_leases(tmp_path: Path) -> None:
    """Two searches by different Patient IDs have asked for one study: the C-MOVE that the sender names counts."""
    first, second = images("chosen", 2)
    with receiving(tmp_path) as running:
        lease = running.open_lease(first, patient_id="RAW-1")
        running.add_remote("branch", "RAW_PACS")  # another name for the same title and address
        running.open_lease(first, patient_id="OTHER-2", remote="branch")
        named = store_all(running.port, [first], originator="HAPPY_netty", originator_id=lease.message_id)
        foreign = store_all(running.port, [second], originator="SOMEBODY", originator_id=9)
        wait_until(lambda: len(running.registered()) == 2, 10, "both are registered")

        assert [each.status for each in named + foreign] == [0x0000, 0x0000]
        assert not running.spool.quarantined_names()


def test_an_image_with_another_patient_id_is_kept_from_everybody(tmp_path: Path) -> None:
    image = images("stranger", 1)[0]
    with receiving(tmp_path) as running:
        running.open_lease(image)
        [answer] = store_all(running.port, [image.but(patient_id="OTHER-2")])
        wait_until(running.spool.quarantined_names, 10, "it lies in quarantine")

        assert answer.status == 0x0000
        assert "store_on_hold" in running.audited()


@pytest.mark.parametrize("changed", [False, True], ids=["the same bytes", "other bytes"])
def test_the_same_instance_again_is_success_and_changes_nothing(tmp_path: Path, changed: bool) -> None:
    image = images("again", 1)[0]
    again = image.having({0x00081030: "another description"}) if changed else image
    with receiving(tmp_path) as running:
        running.open_lease(image)
        answers = store_all(running.port, [image])
        wait_until(lambda: len(running.registered()) == 1, 10, "the first one is registered")
        before = running.registered()
        answers += store_all(running.port, [again])
        wait_until(lambda: [name for name, _ in running.spool.sealed()] == before, 10, "the second one is settled")

        assert [each.status for each in answers] == [0x0000, 0x0000]
        assert len(running.spool.quarantined_names()) == changed


@states("8", "4.3 disk")
def test_what_is_stored_lies_on_the_disk_byte_for_byte(tmp_path: Path) -> None:
    """No operation on character sets: whatever bytes the texts are made of."""
    texts = {
        0x00080005: b"\\ISO 2022 IR 87",
        0x00081030: b"\x1b$B6;It\x1b(B",
        0x0008103E: b"\x8b\xb9\x95\x94",  # Shift-JIS, not declared
        0x00100010: b"YAMADA^TAROU=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
        0x00104000: bytes(range(1, 256)) + b" ",
        0x00110010: b"ACME",
        0x00111001: b"\xff\xfe\x00odd",
    }
    image = images("text", 1)[0].having(texts)
    with receiving(tmp_path) as running:
        running.open_lease(image)
        store_all(running.port, [image])
        [(name, receipt)] = running.spool.sealed()
        with running.spool.open_data(name) as file:
            file.seek(receipt["data_offset"])
            kept = file.read(receipt["data_length"])

    assert kept == image.data
    assert has_digest([image.data], receipt["digest"])


# --- what nobody asked for -----------------------------------------------------------------------------------------

ANSWERS = {
    Unsolicited.DISCARD: 0xC000,
    Unsolicited.DISCARD_SUCCESS: 0x0000,
    Unsolicited.REFUSE: 0x0124,
    Unsolicited.QUARANTINE: 0x0000,
}


@states("4.3.1 (1) unasked", "7")
@pytest.mark.parametrize(("setting", "status"), ANSWERS.items())
def test_what_nobody_asked_for_is_answered_and_discarded(tmp_path: Path, setting: Unsolicited, status: int) -> None:
    with receiving(tmp_path, ReceiveSettings(unsolicited=setting)) as running:
        answers = store_all(running.port, images("unasked", 2))
        if setting is Unsolicited.QUARANTINE:
            wait_until(lambda: len(running.spool.quarantined_names()) == 2, 10, "they lie in quarantine")
        left = running.spooled()
        kinds = running.audited()

    assert [each.status for each in answers] == [status, status]
    assert bool(answers[0].comment) is (status != 0)
    assert not left
    assert len(kinds) >= 2
    assert set(kinds) == {"store_on_hold" if setting is Unsolicited.QUARANTINE else "store_discarded"}


def test_a_lease_that_has_expired_lets_nothing_in(tmp_path: Path) -> None:
    image = images("late", 1)[0]
    with receiving(tmp_path) as running:
        running.open_lease(image, seconds=-1)

        assert [each.status for each in store_all(running.port, [image])] == [0xC000]


def test_a_lease_lets_in_only_the_remote_that_was_asked(tmp_path: Path) -> None:
    image = images("elsewhere", 1)[0]
    with receiving(tmp_path) as running:
        running.open_lease(image)
        running.add_remote("ward", "WARD")

        assert [each.status for each in store_all(running.port, [image], Request(calling="WARD"))] == [0xC000]


# --- on the way ----------------------------------------------------------------------------------------------------


def test_a_data_set_may_come_in_any_cut(tmp_path: Path) -> None:
    image = images("cut", 1)[0]
    command, data = store_command(image), image.data
    for size in (1, 7, 250):
        with receiving(tmp_path / str(size)) as running, raw_peer(running.port) as peer:
            running.open_lease(image)
            peer.associate(REQUEST)
            parts = [data[start : start + size] for start in range(0, len(data), size)]
            cut = len(command) // 2
            sent = data_tf(3, COMMAND, command[:cut]) + data_tf(3, COMMAND | LAST, command[cut:])
            sent += b"".join(data_tf(3, 0, part) for part in parts) + data_tf(3, LAST, b"")
            peer.send(sent)

            assert peer.receive().status == 0x0000


def test_more_than_the_longest_data_set_is_refused(tmp_path: Path) -> None:
    image = images("long", 1)[0].having({PIXELS: bytes(6000)})
    with receiving(tmp_path, limits=ReceiveLimits(data_set=4000)) as running:
        running.open_lease(image)
        [answer] = store_all(running.port, [image])

    assert answer.status == 0xA700


@pytest.mark.parametrize("how", ["release", "abort", "close"])
def test_an_association_that_ends_in_a_data_set_leaves_no_file(tmp_path: Path, how: str) -> None:
    image = images("broken off", 1)[0]
    with receiving(tmp_path) as running:
        running.open_lease(image)
        with raw_peer(running.port) as peer:
            peer.associate(REQUEST)
            peer.message(3, store_command(image))
            peer.send(data_tf(3, 0, image.data[:200]))
            peer.send({"release": pdu(RELEASE_RQ, bytes(4)), "abort": pdu(ABORT, bytes(4)), "close": b""}[how])
            if how == "release":
                assert peer.pdu()[0] == RELEASE_RP
        running.ended()

        assert not running.spooled()


# --- by settings ---------------------------------------------------------------------------------------------------


@states("7")
def test_other_transfer_syntaxes_are_a_setting(tmp_path: Path) -> None:
    jpeg = "1.2.840.10008.1.2.4.50"
    settings = ReceiveSettings(transfer_syntaxes=(EXPLICIT, jpeg, IMPLICIT))
    request = Request(contexts=((1, CT, (jpeg,)), (3, CT, (IMPLICIT, EXPLICIT)), (5, CT, (IMPLICIT,))))
    with receiving(tmp_path, settings) as running, raw_peer(running.port) as peer:
        answer = peer.associate(request)

    assert answer.contexts == {1: (0, (jpeg,)), 3: (0, (EXPLICIT,)), 5: (0, (IMPLICIT,))}  # our order counts


@states("7")
def test_other_classes_are_a_setting(tmp_path: Path) -> None:
    enhanced = "1.2.840.10008.5.1.4.1.1.2.1"
    settings = ReceiveSettings(sop_classes=(CT, enhanced))
    request = Request(contexts=((1, enhanced, (IMPLICIT,)), (3, CT, (IMPLICIT,)), (5, MR, (IMPLICIT,))))
    with receiving(tmp_path, settings) as running, raw_peer(running.port) as peer:
        answer = peer.associate(request)

    assert [result for result, _ in answer.contexts.values()] == [0, 0, 3]
