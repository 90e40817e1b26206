"""The acceptor's decision about an association (PS3.8 sections 9.3.3 and 9.3.4), a pure function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netty.dicom.uids import APPLICATION_CONTEXT
from netty.ul import reasons
from netty.ul.pdu import (
    AcceptedContext,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    ProposedContext,
    RejectedContext,
    UserInformation,
)


def _anybody(calling_ae_title: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class AcceptorPolicy:
    """What an acceptor accepts."""

    ae_titles: frozenset[str]
    """The titles we go by, without padding, compared case-sensitively; empty: any."""

    supported: Mapping[str, tuple[str, ...]]
    """For each abstract syntax the transfer syntaxes we take, the best first."""

    user_information: UserInformation

    is_registered: Callable[[str], bool] = _anybody
    """Whether an AE with this calling AE title may call (from the address it calls from)."""

    overload: AssociateReject | None = None
    """The answer while there is no room: `reasons.LOCAL_LIMIT_EXCEEDED`, `reasons.TEMPORARY_CONGESTION`."""


def negotiate(request: AssociateRequest, policy: AcceptorPolicy) -> AssociateAccept | AssociateReject:
    """The answer to `request`. An association without a usable context is accepted: the requestor decides."""
    return _rejection(request, policy) or AssociateAccept(
        presentation_contexts=tuple(_answer(context, policy) for context in request.presentation_contexts),
        user_information=policy.user_information,
        title_fields=request.title_fields,
    )


def _rejection(request: AssociateRequest, policy: AcceptorPolicy) -> AssociateReject | None:
    """Why the association cannot be, if so: the most basic reason first, a passing one last."""
    if not request.protocol_version & 1:  # only bit 0 is tested (PS3.8 section 9.3.2)
        return reasons.PROTOCOL_VERSION_NOT_SUPPORTED
    if request.application_context_name != APPLICATION_CONTEXT:
        return reasons.APPLICATION_CONTEXT_NOT_SUPPORTED
    if policy.ae_titles and request.called_ae_title not in policy.ae_titles:
        return reasons.CALLED_AE_TITLE_NOT_RECOGNIZED
    if not policy.is_registered(request.calling_ae_title):
        return reasons.CALLING_AE_TITLE_NOT_RECOGNIZED
    if not request.presentation_contexts:  # one or more are required (PS3.8 Table 9-11); no code fits
        return reasons.NO_REASON_GIVEN
    return policy.overload


def _answer(proposed: ProposedContext, policy: AcceptorPolicy) -> AcceptedContext | RejectedContext:
    ours = policy.supported.get(proposed.abstract_syntax)
    if ours is None:
        result = ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED
        return RejectedContext(proposed.context_id, proposed.abstract_syntax, result)
    for transfer_syntax in ours:
        if transfer_syntax in proposed.transfer_syntaxes:
            return AcceptedContext(proposed.context_id, proposed.abstract_syntax, transfer_syntax)
    result = ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED
    return RejectedContext(proposed.context_id, proposed.abstract_syntax, result)
