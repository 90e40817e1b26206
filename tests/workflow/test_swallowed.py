"""An error that a C library swallows does not become a picture."""

import sys

import pytest

from netty.image.errors import CannotRender
from netty.workflow.swallowed import no_error_swallowed


class Careless:
    """Raises where Python cannot pass it on, as Cython code does."""

    def __del__(self) -> None:
        raise RuntimeError("the codestream is broken")


def test_a_swallowed_error_is_raised_with_the_name_of_the_syntax() -> None:
    before = sys.unraisablehook
    broken = pytest.raises(CannotRender, match="HTJ2K: a frame cannot be decoded: the codestream is broken")
    with broken, no_error_swallowed("HTJ2K"):
        Careless()  # gone at once

    assert sys.unraisablehook is before


def test_where_nothing_is_swallowed_nothing_is_raised() -> None:
    with no_error_swallowed("HTJ2K"):
        pass
