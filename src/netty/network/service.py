"""What an acceptor's service is: begun by a request, fed with its data set, finished with a response."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from netty.dicom.stencil import Stencil
from netty.dimse.command import Request, Response, UnusableRequest, UnusableResponse
from netty.dimse.status import Refusal
from netty.ul.association import Buffer
from netty.ul.pdu import AcceptedContext

AnyResponse = Response | UnusableResponse


@dataclass(frozen=True, slots=True)
class CallingAssociation:
    """Who calls, as it stands once the association is accepted.

    Attributes:
        number: counts the associations of this server.
        remotes: the names of the remotes that `calling_ae_title` and `address` together name.
    """

    number: int
    calling_ae_title: str
    called_ae_title: str
    address: str
    remotes: tuple[str, ...]
    implementation_version_name: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How a message came, and what others like it may be.

    Attributes:
        command: its P-DATA-TF, but for Message ID and SOP Instance UID.
        longest_pdu, most_bytes: of P-DATA-TF and data sets that come.
        longest_answer: what the length of a P-DATA-TF may say that goes.
    """

    command: Stencil
    context_id: int
    longest_pdu: int
    most_bytes: int
    longest_answer: int


class Express(Protocol):
    """Takes messages like one before: whole, from the bytes that came to the bytes that answer it, without an event.

    Whatever departs from the one before is left: then nothing of it is used up, and it comes as ever.
    """

    @property
    def is_amid(self) -> bool:
        """Whether a message is under way."""

    @property
    def ahead(self) -> int:
        """How many bytes of its data set are sure to come."""

    def take(self, view: memoryview, start: int, end: int, wire: int) -> int:
        """The bytes of a whole message that was taken from `start` on; 0: it waits for more; -1: left.

        What comes on the socket `wire` within some thousandths of a second is read behind `end`, unless that is -1.
        """
        ...

    @property
    def came(self) -> int:
        """How many bytes the last `take` has read so, whatever it gave or raised."""
        ...

    def seal_at_once(self, wire: int) -> bytes | None:
        """Seal and keep what was taken, and send the answer to the socket `wire`, unless that is -1.

        Gives what is left to be sent of it; None where something is to be waited for. May raise `Refusal`: then that is
        the answer to `request`.
        """

    def seal(self) -> bytes:
        """Where that gave None: seal it, which blocks, and give the answer. `keep` it then. May raise `Refusal`."""
        ...

    def keep(self) -> None:
        """What was sealed counts from now on."""

    @property
    def request(self) -> Request:
        """The message that was taken last."""
        ...

    def prepare(self) -> None:
        """Be ready for the next message; does nothing where it is."""

    def abandon(self) -> None:
        """There is no next message, or what has come of it is not wanted. What is kept stays. Must not raise."""


class Operation:
    """One request that a service works on."""

    __slots__ = ("_drain", "_send", "association", "cancelled", "context", "express", "request")

    def __init__(
        self,
        request: Request | UnusableRequest,
        context: AcceptedContext,
        association: CallingAssociation,
        send: Callable[[AnyResponse, Buffer], None],
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        self.request = request
        self.context = context
        self.association = association
        self.cancelled = asyncio.Event()
        """Set by C-CANCEL, and when the association is gone."""
        self.express: Callable[[Way], Express | None] | None = None
        """Set by a service that can take further requests like this one, once it is answered, in a shorter way."""
        self._send = send
        self._drain = drain

    def queue(self, response: AnyResponse, data_set: Buffer) -> None:
        """A pending response that goes out with the next one that is sent: a system call for each would cost more."""
        self._send(response, data_set)

    async def respond(self, response: AnyResponse, data_set: Buffer = b"") -> None:
        """Send a response, pending or with a data set; waits while the peer does not keep up with reading."""
        self._send(response, data_set)
        await self._drain()


class Incoming(Protocol):
    """A request whose data set is coming in. Every method may raise `Refusal`: its status is the answer."""

    def write(self, parts: Sequence[memoryview], size: int) -> int:
        """The next `size` bytes of the data set, as one read brought them. They are valid only during the call.

        Returns how many are sure to follow, as far as is known; 0: any number.
        """

    def finish_at_once(self) -> AnyResponse | None:
        """The data set is complete: the response, where what was asked is done without waiting for anybody.

        None where it is not: `finish` is awaited then. A task for each of thousands of images costs more than the rest.
        """

    async def finish(self) -> AnyResponse | None:
        """Do what was asked, and return the final response; None where it was sent."""
        ...

    def abandon(self) -> None:
        """The data set will not be completed, or is not wanted any more. Must not raise."""


class Service(Protocol):
    """Serves the requests of one abstract syntax."""

    def begin(self, operation: Operation) -> Incoming:
        """A request has come. May raise `Refusal`: then the data set is dropped, and the status answered."""
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """A service, and the transfer syntaxes in which it is offered, the best first."""

    service: Service
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is answered with `refusal` once its data set has passed by."""

    response: Callable[[Refusal], AnyResponse]
    refusal: Refusal

    def write(self, parts: Sequence[memoryview], size: int) -> int:
        """Dropped."""
        return 0

    def finish_at_once(self) -> AnyResponse:
        """The refusal."""
        return self.response(self.refusal)

    async def finish(self) -> AnyResponse:
        """The refusal."""
        return self.response(self.refusal)

    def abandon(self) -> None:
        """Nothing was kept."""
