"""C-STORE as SCP: which status answers what (statement table 6; dicom-facts of PS3.4 Table B.2-1)."""

import errno
import logging
from dataclasses import replace

import pytest

from netty.dimse.command import StoreRequest, StoreResponse
from netty.dimse.status import Refusal
from netty.network.requestor import RequestedAssociation, associate
from netty.network.settings import ReceiveLimits
from netty.network.storage_scp import STATUSES, StoreOutcome
from netty.network.storage_scu import store
from support.association import CALLER, CT, QUICK, Shelf, contexts, serving

MR = "1.2.840.10008.5.1.4.1.1.4"
SR = "1.2.840.10008.5.1.4.1.1.88.11"
REQUEST = StoreRequest(message_id=1, affected_sop_class_uid=CT, affected_sop_instance_uid="1.2.3")


async def answer(association: RequestedAssociation, request: StoreRequest, data: bytes = bytes(100)) -> StoreResponse:
    return await store(association, 1, request, [data])


CHECKS = [
    ("another class than the context's", {"affected_sop_class_uid": MR}, 0xA800, 0x0122, (0x00000002,)),
    ("a class that we do not take", {"affected_sop_class_uid": SR}, 0xA800, 0x0122, (0x00000002,)),
    ("an instance UID that is none", {"affected_sop_instance_uid": "1.2.a"}, 0xC000, 0x0117, (0x00001000,)),
    ("no instance UID", {"affected_sop_instance_uid": ""}, 0x0212, 0x0212, (0x1000,)),
    ("no class UID", {"affected_sop_class_uid": ""}, 0x0212, 0x0212, (0x0002,)),
]


@pytest.mark.parametrize("statuses", ["statement", "standard"])
@pytest.mark.parametrize("check", CHECKS, ids=[check[0] for check in CHECKS])
async def test_a_command_that_cannot_be_served_is_answered_with_the_reason(
    check: tuple[str, dict[str, str], int, int, tuple[int, ...]], statuses: str
) -> None:
    _, changes, by_statement, by_standard, offending = check
    shelf = Shelf()
    async with (
        serving(shelf, statuses=STATUSES[statuses]) as served,
        associate(served.remote, CALLER, QUICK, contexts(CT)) as association,
    ):
        refused = await answer(association, replace(REQUEST, **changes))  # type: ignore[arg-type]
        stored = await answer(association, REQUEST)

    assert refused.status == (by_statement if statuses == "statement" else by_standard)
    assert refused.offending_element == offending
    assert refused.error_comment
    assert stored.status == 0
    assert len(shelf.stored) == 1


async def test_a_store_without_data_set_is_refused() -> None:
    async with serving() as served, associate(served.remote, CALLER, QUICK, contexts(CT)) as association:
        await association.send(1, replace(REQUEST, has_data_set=False))
        received = await association.receive()

    assert received is not None
    assert isinstance(received[0], StoreResponse)
    assert received[0].status == 0xC000


@pytest.mark.parametrize("at_once", [False, True], ids=["finishes later", "finishes at once"])
@pytest.mark.parametrize("where", ["begin_error", "write_error", "finish_error"])
@pytest.mark.parametrize(
    ("error", "status", "comment"),
    [
        (Refusal(0xA900, "Not what the command says."), 0xA900, "Not what the command says."),
        (OSError(errno.ENOSPC, "No space left on device"), 0xA700, "Out of resources; try again later."),
        (ValueError("a mistake of ours"), 0xC000, "Unexpected failure; see the log of the receiver."),
    ],
    ids=["refusal", "disk full", "mistake"],
)
async def test_a_handler_that_fails_is_answered_and_the_association_stays_usable(
    where: str, at_once: bool, error: Exception, status: int, comment: str, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(at_once=at_once)
    setattr(shelf, where, error)
    async with serving(shelf) as served, associate(served.remote, CALLER, QUICK, contexts(CT)) as association:
        refused = await answer(association, REQUEST, bytes(100_000))
        setattr(shelf, where, None)
        stored = await answer(association, REQUEST)

    assert (refused.status, refused.error_comment) == (status, comment)
    assert stored.status == 0
    assert shelf.abandoned == (1 if where == "write_error" else 0)
    assert any(record.levelno == logging.ERROR for record in caplog.records) is not isinstance(error, Refusal)


async def test_the_outcome_is_the_answer() -> None:
    shelf = Shelf(outcome=StoreOutcome(0xB000, "Changed.", 0x00100020))
    async with serving(shelf) as served, associate(served.remote, CALLER, QUICK, contexts(CT)) as association:
        response = await answer(association, REQUEST)

    assert (response.status, response.error_comment, response.offending_element) == (0xB000, "Changed.", (0x00100020,))
    assert response.affected_sop_instance_uid == "1.2.3"


async def test_a_data_set_that_is_too_long_is_refused_and_dropped() -> None:
    shelf = Shelf()
    async with (
        serving(shelf, limits=ReceiveLimits(data_set=1000)) as served,
        associate(served.remote, CALLER, QUICK, contexts(CT)) as association,
    ):
        refused = await answer(association, REQUEST, bytes(1500))
        stored = await answer(association, REQUEST, bytes(1000))

    assert (refused.status, stored.status) == (0xA700, 0)
    assert shelf.abandoned == 1


async def test_the_move_originator_is_handed_on() -> None:
    shelf = Shelf()
    request = replace(REQUEST, move_originator_ae_title="HAPPY_netty", move_originator_message_id=77)
    async with serving(shelf) as served, associate(served.remote, CALLER, QUICK, contexts(CT)) as association:
        await answer(association, request)

    assert shelf.requests == [request]
