"""The protocol data units of the upper layer as values (PS3.8 section 9.3)."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from netty.dicom.uids import APPLICATION_CONTEXT

DEFAULT_MAXIMUM_LENGTH: Final = 16384  # statement 4.2.1; also what we grant a peer that states nothing


class PduType(IntEnum):
    """The first byte of a PDU (PS3.8 section 9.3.1)."""

    ASSOCIATE_RQ = 0x01
    ASSOCIATE_AC = 0x02
    ASSOCIATE_RJ = 0x03
    DATA_TF = 0x04
    RELEASE_RQ = 0x05
    RELEASE_RP = 0x06
    ABORT = 0x07


class ContextResult(IntEnum):
    """The answer to one proposed presentation context (PS3.8 Table 9-18)."""

    ACCEPTANCE = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


class AbortSource(IntEnum):
    """Who aborts (PS3.8 Table 9-26)."""

    SERVICE_USER = 0
    SERVICE_PROVIDER = 2


class AbortReason(IntEnum):
    """Why the service provider aborts (PS3.8 Table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PDU_PARAMETER = 4
    UNEXPECTED_PDU_PARAMETER = 5
    INVALID_PDU_PARAMETER_VALUE = 6


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """A presentation context as the requestor proposes it (PS3.8 section 9.3.2.2)."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcceptedContext:
    """A presentation context that both sides agreed on (PS3.8 section 9.3.3.2)."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class RejectedContext:
    """A presentation context that the acceptor turned down (PS3.8 section 9.3.3.2)."""

    context_id: int
    abstract_syntax: str
    result: ContextResult


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """SCP/SCU Role Selection, sub-item 54H (PS3.7 section D.3.3.4)."""

    sop_class_uid: str
    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """User Identity, sub-item 58H (PS3.7 section D.3.3.7)."""

    identity_type: int
    response_requested: bool
    primary: bytes
    secondary: bytes


@dataclass(frozen=True, slots=True)
class UserInformation:
    """User information, item 50H (PS3.8 Annex D, PS3.7 section D.3.3).

    Only `maximum_length`, the class UID and the version name are ever sent. The others are what a peer sent: we
    work synchronously (statement 4.2.3) and in the default roles, and leaving them out of the answer says so.
    """

    maximum_length: int = DEFAULT_MAXIMUM_LENGTH  # 0: no limit stated
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    asynchronous_operations: tuple[int, int] | None = None  # (invoked, performed)
    role_selections: tuple[RoleSelection, ...] = ()
    extended_negotiations: tuple[tuple[str, bytes], ...] = ()
    user_identity: UserIdentity | None = None


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """A-ASSOCIATE-RQ (PS3.8 section 9.3.2). AE titles carry no padding."""

    called_ae_title: str
    calling_ae_title: str
    presentation_contexts: tuple[ProposedContext, ...]
    user_information: UserInformation
    application_context_name: str = APPLICATION_CONTEXT
    protocol_version: int = 1
    title_fields: bytes = field(default=b"", compare=False, repr=False)
    """Bytes 11 to 74 as they came (AE titles and a reserved field): the acceptance sends them back unchanged."""


@dataclass(frozen=True, slots=True)
class AssociateAccept:
    """A-ASSOCIATE-AC (PS3.8 section 9.3.3), one answer for every proposed context."""

    presentation_contexts: tuple[AcceptedContext | RejectedContext, ...]
    user_information: UserInformation
    application_context_name: str = APPLICATION_CONTEXT
    protocol_version: int = 1
    title_fields: bytes = field(default=b"", compare=False, repr=False)

    @property
    def accepted_contexts(self) -> tuple[AcceptedContext, ...]:
        """The contexts that can be used."""
        return tuple(c for c in self.presentation_contexts if isinstance(c, AcceptedContext))


@dataclass(frozen=True, slots=True)
class AssociateReject:
    """A-ASSOCIATE-RJ (PS3.8 section 9.3.4, Table 9-21). `reasons.explain_reject` says it in words."""

    result: int  # 1 permanent, 2 transient
    source: int  # 1 service user, 2 provider (ACSE), 3 provider (presentation)
    reason: int


@dataclass(frozen=True, slots=True)
class PresentationDataValue:
    """One PDV item of a P-DATA-TF (PS3.8 section 9.3.5.1, Annex E.2)."""

    context_id: int
    is_command: bool
    is_last: bool
    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class DataTransfer:
    """P-DATA-TF (PS3.8 section 9.3.5)."""

    items: tuple[PresentationDataValue, ...]


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A-RELEASE-RQ (PS3.8 section 9.3.6)."""


@dataclass(frozen=True, slots=True)
class ReleaseResponse:
    """A-RELEASE-RP (PS3.8 section 9.3.7)."""


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT (PS3.8 section 9.3.8). Source and reason are plain numbers, for a peer may send any."""

    source: int = AbortSource.SERVICE_USER
    reason: int = AbortReason.NOT_SPECIFIED


Pdu = AssociateRequest | AssociateAccept | AssociateReject | DataTransfer | ReleaseRequest | ReleaseResponse | Abort
