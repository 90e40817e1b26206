"""What can go wrong between us and a remote, each with what to do about it."""

from netty.dimse.status import explain_find, explain_move, explain_store
from netty.errors import PeerError
from netty.ul.pdu import AssociateReject, ContextResult
from netty.ul.reasons import explain_abort, explain_reject


class RemoteUnreachable(PeerError):
    """No connection: name, network, port."""


class AssociationRejected(PeerError):
    """The peer does not want the association, or not what we need it for. Nothing was asked of it yet."""

    @classmethod
    def by_peer(cls, remote: str, reject: AssociateReject) -> "AssociationRejected":
        """The peer sent A-ASSOCIATE-RJ (PS3.8 9.3.4)."""
        return cls(
            "The remote {remote} rejected the association ({result},{source},{code}): {reason}.",
            remote=remote,
            result=reject.result,
            source=reject.source,
            code=reject.reason,
            reason=explain_reject(reject),
        )

    @classmethod
    def context(cls, remote: str, service: str, result: ContextResult) -> "AssociationRejected":
        """The association stands, but the presentation context that we need was turned down (PS3.8 Table 9-18)."""
        return cls(
            "The remote {remote} does not accept {service} from us (presentation context result {result}). Ask its "
            "administrator to allow it for our AE title, in a transfer syntax that we offer.",
            remote=remote,
            service=service,
            result=int(result),
        )


class AssociationAborted(PeerError):
    """The association ended before its work was done."""

    @classmethod
    def by_peer(cls, remote: str, source: int, reason: int) -> "AssociationAborted":
        """The peer sent A-ABORT (PS3.8 9.3.8)."""
        return cls(
            "The remote {remote} aborted the association: {reason}. Its log may say why.",
            remote=remote,
            reason=explain_abort(source, reason),
        )


class TimedOut(PeerError):
    """A timer of statement 4.2.6 ran out, and the connection was closed. `timer` is its key in the settings."""

    def __init__(self, remote: str, timer: str, seconds: float) -> None:
        super().__init__(
            "The remote {remote} took too long: the timer {timer} ({seconds:g} s) ran out, and the connection was "
            "closed. If the remote is only slow, raise timers.{timer} in the settings.",
            remote=remote,
            timer=timer,
            seconds=seconds,
        )
        self.timer = timer


class DimseFailure(PeerError):
    """The peer answered with a failure status. `status` and `comment` are as it sent them."""

    def __init__(self, template: str, /, status: int, comment: str = "", **values: object) -> None:
        said = f' ("{comment}")' if comment else ""
        super().__init__(template, status=status, comment=said, **values)
        self.status = status
        self.comment = comment


def find_failure(remote: str, status: int, comment: str) -> DimseFailure:
    """A C-FIND status that is neither success nor a match."""
    return DimseFailure(
        "The remote {remote} answered the search with status {status:04X}{comment}: {reason}.",
        status=status,
        comment=comment,
        remote=remote,
        reason=explain_find(status),
    )


def move_failure(remote: str, status: int, comment: str, title: str, port: int) -> DimseFailure:
    """A C-MOVE status that says that nothing could be done (PS3.4 Table C.4-2)."""
    if status == 0xA801:
        return DimseFailure(
            "The remote {remote} does not know our AE title {title} as a move destination{comment}. Ask its "
            "administrator to register {title} with this machine's address and port {port}.",
            status=status,
            comment=comment,
            remote=remote,
            title=title,
            port=port,
        )
    return DimseFailure(
        "The remote {remote} answered the retrieval with status {status:04X}{comment}: {reason}.",
        status=status,
        comment=comment,
        remote=remote,
        reason=explain_move(status),
    )


def store_failure(remote: str, status: int, comment: str) -> DimseFailure:
    """A C-STORE status that says that the instance was not stored (PS3.4 Table B.2-1)."""
    return DimseFailure(
        "The remote {remote} answered the image with status {status:04X}{comment}: {reason}.",
        status=status,
        comment=comment,
        remote=remote,
        reason=explain_store(status),
    )
