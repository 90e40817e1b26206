"""The compiled twin of filling a stencil gives what the one in Python gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netty import native
from netty.dicom.stencil import Gap, Named, Piece, Stencil, filled, filled_by_twin

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

pieces = st.builds(Piece, st.binary(max_size=40), st.sampled_from(Gap), st.integers(0, 1 << 15))
names = st.builds(
    Named,
    uid=st.text("0123456789.", max_size=64),
    message_id=st.integers(0, 0xFFFF),
    size=st.integers(0, 1 << 62),
    offset=st.integers(0, 1 << 62),
    digest=st.text("0123456789abcdef:", max_size=96),
    number=st.text("0123456789", max_size=16),
    microseconds=st.integers(0, 1 << 62),
)


@settings(max_examples=1500, deadline=None)
@given(stencil=st.lists(pieces, max_size=64).map(tuple), named=names)
def test_any_stencil(stencil: Stencil, named: Named) -> None:
    assert filled_by_twin(stencil, named) == filled(stencil, named)


@pytest.mark.parametrize(
    "named", [Named("1" * 65), Named("", digest="x" * 97), Named("", number="1" * 17), Named("", microseconds=-1)]
)
def test_what_is_too_long_is_refused(named: Named) -> None:
    with pytest.raises(ValueError, match="too long"):
        filled_by_twin((Piece(b""),), named)


def test_more_pieces_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="pieces"):
        filled_by_twin((Piece(b""),) * 65, Named("1.2"))
