"""The running program: `netty serve` with its processes, seen from outside (statement 3.1.2, 4.2.6, 4.3, 4.3.1)."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.raw_peer import (
    IMPLICIT,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    Request,
    command_set,
    data_tf,
    elements_of,
    images,
    pdu,
    raw_peer,
    store_all,
    store_command,
)
from support.service import HELD_OPEN, Service
from support.statement import rows, states

STUDY = 0x0020000D
REQUEST = Request()


@states("3.2 (2)", "4.3 accept", "5.1", "5.2", "5.3")
def test_the_service_accepts_associations_and_answers_echoes(service: Service) -> None:
    with raw_peer(service.port) as peer:
        answer = peer.associate()
        assert peer.echo() == 0x0000
        peer.release()

    assert (answer.called, answer.maximum) == (b"HAPPY_netty     ", 16384)


@states("table 2", "table 5")
def test_the_service_accepts_all_classes_on_one_association(service: Service) -> None:
    classes = rows("2", 1)
    request = Request(contexts=[(2 * number + 1, uid, (IMPLICIT,)) for number, uid in enumerate(classes)])
    with raw_peer(service.port) as peer:
        answer = peer.associate(request)

    assert [result for result, _ in answer.contexts.values()] == [0] * len(classes)


@states("4.2.2")
def test_the_service_holds_a_hundred_associations_at_once(service: Service) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(raw_peer(service.port)) for _ in range(100)]
        for peer in peers:
            peer.associate()

        assert {peer.echo() for peer in peers} == {0x0000}


@states("7.1")
def test_the_service_rejects_a_registered_title_from_another_address(service: Service) -> None:
    with raw_peer(service.port, source="127.0.0.2") as peer:
        peer.send(REQUEST.encoded())

        assert tuple(peer.pdu()[7:10]) == (1, 1, 3)


@states("4.2.6 (1) remotes", "4.2.6 (1) manual")
def test_a_person_asks_a_registered_remote(service: Service) -> None:
    """The settings of the service name the remote; `netty retrieve` made it search and fetch."""
    [move] = service.pacs.moves

    assert [remote.name for remote in service.desk.settings.remotes] == ["raw"]
    assert elements_of(move.data)[STUDY].decode().strip("\0") == HELD_OPEN[0].study


@states("3", "3.1.2 (1) store", "3.1.2 (1) convert", "4.3 disk", "4.3.1 (1) asked", "4.3.1 (3) (a)")
def test_what_was_asked_for_is_kept_turned_into_jpeg_and_registered(service: Service) -> None:
    image = service.new_image()
    [answer] = store_all(service.port, [image], originator="HAPPY_netty")
    service.wait_rendered(image)
    held = service.netty.read("studies", "show", image.study)
    [instance] = [
        each for series in held["series"] for each in series["instances"] if each["sop_instance_uid"] == image.sop
    ]
    [picture, _] = instance["renditions"]
    jpeg = Path(picture["path"]).read_bytes()

    assert answer.status == 0x0000
    assert (picture["format"], picture["width"], picture["height"]) == ("jpeg", 8, 8)
    assert jpeg.startswith(b"\xff\xd8\xff")


@states("3.3")
@pytest.mark.parametrize("interleaved", [False, True])
def test_the_order_of_what_happens_does_not_matter(service: Service, interleaved: bool) -> None:
    """Echoes between stores, several images on one association, several associations."""
    stored = [service.new_image() for _ in range(3)]
    with raw_peer(service.port) as peer:
        peer.associate(REQUEST)
        for image in stored[:2]:
            if interleaved:
                assert peer.echo() == 0x0000
            assert peer.store(image).status == 0x0000
        peer.release()
    assert [answer.status for answer in store_all(service.port, stored[2:], REQUEST)] == [0x0000]


@pytest.mark.parametrize(
    "originator",
    [
        {"originator": "HAPPY_netty"},
        {"originator": None, "originator_id": None},
        {"originator": b"HAPPY_netty\0\0\0\0\0"},
        {"originator": b"HAPPY_netty         much too long "},
        {"originator": "SOMEBODY", "originator_id": 1},
        {"originator": "HAPPY_netty", "originator_id": 65535},
        {"originator": b"\x83\x4b\x83\x69", "originator_id": b"\1\0\0\0"},
        {"originator": b"", "originator_id": b""},
    ],
    ids=["present", "absent", "NUL-padded", "too long", "foreign", "another message", "no ASCII, mistyped", "empty"],
)
def test_the_move_originator_never_keeps_out_what_a_lease_lets_in(service: Service, originator: dict[str, Any]) -> None:
    """Both fields are optional (PS3.7 Table 9.1-1) and often wrong."""
    assert [each.status for each in store_all(service.port, [service.new_image()], **originator)] == [0x0000]


@states("4.3.1 (1) unasked")
def test_the_service_leaves_nothing_of_what_nobody_asked_for(service: Service) -> None:
    [image] = images("unasked by the service", 1)
    [answer] = store_all(service.port, [image])
    spool = service.netty.folder / "data" / "spool"

    assert (answer.status, answer.comment) == (0xC000, "Not asked for by netty; discarded.")
    assert service.desk.holdings.study(image.study) is None
    assert not [path for path in spool.iterdir() if image.sop.encode() in path.read_bytes()]
    assert any(event["study_instance_uid"] == image.study for event in service.netty.audit("store_discarded"))


def test_a_cancel_of_nothing_is_passed_over(service: Service) -> None:
    """C-CANCEL has no response of its own (PS3.7 9.3.2.3), and C-STORE cannot be cancelled."""
    cancel = command_set({0x0100: 0x0FFF, 0x0120: 1, 0x0800: 0x0101})
    image = service.new_image()
    with raw_peer(service.port) as peer:
        peer.associate(REQUEST)
        peer.message(3, cancel)
        peer.message(3, store_command(image))
        peer.fragments(3, 0, image.data)
        peer.message(3, cancel)
        answer = peer.receive()
        assert peer.echo() == 0x0000
        peer.release()

    assert answer.status == 0x0000


def test_an_answer_that_is_due_comes_before_the_release(service: Service) -> None:
    image = service.new_image()
    with raw_peer(service.port) as peer:
        peer.associate(REQUEST)
        peer.message(3, store_command(image))
        peer.send(data_tf(3, LAST, image.data) + pdu(RELEASE_RQ, bytes(4)))

        assert peer.receive().status == 0x0000
        assert peer.pdu()[0] == RELEASE_RP
