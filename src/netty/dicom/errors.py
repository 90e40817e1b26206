"""What a data set can be wrong in."""

from netty.errors import PeerError


class DataSetError(PeerError):
    """A data set that cannot be read to its end."""


class ExcessError(DataSetError):
    """A data set that asks too much of us, wherever it does so."""
