"""The acceptor's decision (PS3.8 section 9.3.4, statement 4.2.1)."""

from dataclasses import replace

import pytest

from netty.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, STORAGE_CLASSES, VERIFICATION
from netty.ul import reasons
from netty.ul.negotiation import AcceptorPolicy, negotiate
from netty.ul.pdu import (
    AcceptedContext,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    ProposedContext,
    RejectedContext,
)
from netty.ul.reasons import explain_abort, explain_reject
from support.wire import CT_IMAGE_STORAGE, associate_request, policy

GOOD = associate_request()


def nobody(title: str) -> bool:
    return False


BUSY = replace(policy(), overload=reasons.LOCAL_LIMIT_EXCEEDED)
STRICT = replace(policy(), is_registered=nobody)


@pytest.mark.parametrize(
    ("request_", "policy_", "expected"),
    [
        (replace(GOOD, protocol_version=2), policy(), (1, 2, 2)),
        (replace(GOOD, protocol_version=0), policy(), (1, 2, 2)),
        (replace(GOOD, application_context_name="1.2.3"), policy(), (1, 1, 2)),
        (replace(GOOD, application_context_name=""), policy(), (1, 1, 2)),
        (replace(GOOD, called_ae_title="happy_NETTY"), policy(), (1, 1, 7)),
        (GOOD, STRICT, (1, 1, 3)),
        (replace(GOOD, presentation_contexts=()), policy(), (1, 1, 1)),
        (GOOD, BUSY, (2, 3, 2)),
        (GOOD, replace(policy(), overload=reasons.TEMPORARY_CONGESTION), (2, 3, 1)),
        # The most basic reason wins.
        (replace(GOOD, protocol_version=2, application_context_name=""), policy(), (1, 2, 2)),
        (replace(GOOD, application_context_name="", called_ae_title="X"), policy(), (1, 1, 2)),
        (replace(GOOD, called_ae_title="X"), STRICT, (1, 1, 7)),
        (GOOD, replace(STRICT, overload=reasons.LOCAL_LIMIT_EXCEEDED), (1, 1, 3)),
    ],
)
def test_an_association_is_rejected_for_its_reason(
    request_: AssociateRequest, policy_: AcceptorPolicy, expected: tuple[int, int, int]
) -> None:
    assert negotiate(request_, policy_) == AssociateReject(*expected)


@pytest.mark.parametrize("version", [1, 3, 0xFFFF])
def test_only_bit_0_of_the_protocol_version_is_tested(version: int) -> None:
    assert isinstance(negotiate(replace(GOOD, protocol_version=version), policy()), AssociateAccept)


def test_a_policy_without_titles_answers_to_any() -> None:
    anything = replace(policy(), ae_titles=frozenset())

    assert isinstance(negotiate(replace(GOOD, called_ae_title="X"), anything), AssociateAccept)


def test_the_calling_title_is_what_is_looked_up() -> None:
    asked: list[str] = []

    def remember(title: str) -> bool:
        asked.append(title)
        return True

    negotiate(GOOD, replace(policy(), is_registered=remember))

    assert asked == ["CENTRAL_PACS"]


def test_each_context_gets_its_own_answer() -> None:
    contexts = (
        ProposedContext(1, CT_IMAGE_STORAGE, (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)),
        ProposedContext(3, CT_IMAGE_STORAGE, (EXPLICIT_VR_LITTLE_ENDIAN,)),
        ProposedContext(5, "1.2.840.10008.5.1.4.1.1.104.1", (IMPLICIT_VR_LITTLE_ENDIAN,)),
        ProposedContext(7, CT_IMAGE_STORAGE, ()),
    )

    answer = negotiate(associate_request(contexts), policy())

    assert isinstance(answer, AssociateAccept)
    assert answer.presentation_contexts == (
        AcceptedContext(1, CT_IMAGE_STORAGE, IMPLICIT_VR_LITTLE_ENDIAN),
        RejectedContext(3, CT_IMAGE_STORAGE, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED),
        RejectedContext(5, "1.2.840.10008.5.1.4.1.1.104.1", ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED),
        RejectedContext(7, CT_IMAGE_STORAGE, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED),
    )


def test_our_preference_chooses_the_transfer_syntax() -> None:
    ours = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
    proposed = ProposedContext(1, VERIFICATION, (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN))

    answer = negotiate(associate_request((proposed,)), replace(policy(), supported={VERIFICATION: ours}))

    assert isinstance(answer, AssociateAccept)
    assert answer.accepted_contexts[0].transfer_syntax == EXPLICIT_VR_LITTLE_ENDIAN


def test_all_classes_of_the_statement_are_accepted_in_implicit_vr() -> None:
    contexts = tuple(
        ProposedContext(2 * index + 1, uid, (IMPLICIT_VR_LITTLE_ENDIAN,))
        for index, uid in enumerate((VERIFICATION, *STORAGE_CLASSES))
    )

    answer = negotiate(associate_request(contexts), policy())

    assert isinstance(answer, AssociateAccept)
    assert len(answer.accepted_contexts) == 14


def test_every_code_has_words() -> None:
    assert "register" in explain_reject(reasons.CALLING_AE_TITLE_NOT_RECOGNIZED)
    assert explain_reject(AssociateReject(9, 9, 9)) == "the peer gives an unknown reason"
    assert explain_abort(0, 0) == "the peer's application aborted"
    assert explain_abort(2, 1) == "it did not recognise a PDU"
    assert explain_abort(2, 99) == "the peer gives an unknown reason"
