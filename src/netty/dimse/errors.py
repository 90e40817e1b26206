"""The errors of the message layer that have no answer but A-ABORT."""

from netty.errors import PeerError


class MessageError(PeerError):
    """Fragments or a command set that PS3.7 does not allow: abort the association."""
