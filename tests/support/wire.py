"""Two association engines joined by a fake wire."""

from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STORAGE_CLASSES, VERIFICATION
from netty.ul.association import Association
from netty.ul.events import AssociateRequested, Directive, Event
from netty.ul.limits import Limits
from netty.ul.negotiation import AcceptorPolicy, negotiate
from netty.ul.pdu import AssociateAccept, AssociateRequest, ProposedContext, UserInformation

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


def user_information(maximum_length: int = 16384) -> UserInformation:
    """What the tests say about themselves."""
    return UserInformation(maximum_length, "1.2.276.0.7230010.3.0.3.6.0", "OFFIS_DCMTK_360")


def associate_request(
    contexts: tuple[ProposedContext, ...] = (
        ProposedContext(1, VERIFICATION, (IMPLICIT_VR_LITTLE_ENDIAN,)),
        ProposedContext(3, CT_IMAGE_STORAGE, (IMPLICIT_VR_LITTLE_ENDIAN,)),
    ),
    maximum_length: int = 16384,
) -> AssociateRequest:
    """A request that `policy` accepts."""
    return AssociateRequest("HAPPY_netty", "CENTRAL_PACS", contexts, user_information(maximum_length))


def policy(maximum_length: int = 16384) -> AcceptorPolicy:
    """An acceptor like ours: Verification and the 13 classes in Implicit VR Little Endian."""
    syntaxes = (IMPLICIT_VR_LITTLE_ENDIAN,)
    return AcceptorPolicy(
        ae_titles=frozenset({"HAPPY_netty"}),
        supported=dict.fromkeys((VERIFICATION, *STORAGE_CLASSES), syntaxes),
        user_information=user_information(maximum_length),
    )


class Side:
    """One engine with what its driver was told to do."""

    def __init__(self, association: Association) -> None:
        self.association = association
        self.directives: list[Directive] = []

    def take(self) -> bytes:
        """What this side writes."""
        written = b"".join(self.association.data_to_send())
        self.directives += self.association.directives()
        return written

    def receive(self, data: bytes) -> list[Event]:
        """The events that `data` brings; views in them are valid until more is received."""
        self.association.receive_data(data)
        events = list(self.association.events())
        self.directives += self.association.directives()
        return events


class AssociationPair:
    """A requestor and an acceptor. What one writes the other reads when `to_acceptor` or `to_requestor` carries it."""

    def __init__(
        self,
        request: AssociateRequest | None = None,
        requestor_limits: Limits | None = None,
        acceptor_limits: Limits | None = None,
    ) -> None:
        self.requestor = Side(Association.requestor(request or associate_request(), requestor_limits))
        self.acceptor = Side(Association.acceptor(acceptor_limits))
        self.requestor.association.transport_connected()
        self.acceptor.association.transport_connected()

    def to_acceptor(self) -> list[Event]:
        """Carry over what the requestor wrote."""
        return self.acceptor.receive(self.requestor.take())

    def to_requestor(self) -> list[Event]:
        """Carry over what the acceptor wrote."""
        return self.requestor.receive(self.acceptor.take())

    def establish(self, acceptor_policy: AcceptorPolicy | None = None) -> "AssociationPair":
        """Negotiate, so that data can be sent both ways."""
        (event,) = self.to_acceptor()
        assert isinstance(event, AssociateRequested)
        answer = negotiate(event.request, acceptor_policy or policy())
        assert isinstance(answer, AssociateAccept)
        self.acceptor.association.accept(answer)
        self.to_requestor()
        return self
