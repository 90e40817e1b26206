"""The error of a picture that cannot be made of what was sent."""

from netty.errors import PeerError


class CannotRender(PeerError):
    """The image is held but no picture can be made of it; the sentence says what is in the way."""
