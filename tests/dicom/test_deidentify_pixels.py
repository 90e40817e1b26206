"""Regions of native pixel data blanked while it streams (PS3.3 section C.7.6.3.1)."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty.dicom.deidentify_pixels import PixelLayout, Region, both, masked, only_stored_bits

ROWS, COLUMNS, FRAMES = 6, 8, 3
REGIONS = (Region(1, 1, 3, 2), Region(2, 2, 4, 2), Region(6, 4, 100, 100), Region(0, 0, 0, 5))


def inside() -> np.ndarray:
    mask = np.zeros((ROWS, COLUMNS), bool)
    for region in REGIONS:
        mask[region.y : region.y + region.height, region.x : region.x + region.width] = True
    return mask


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def layout(**values: object) -> PixelLayout:
    return PixelLayout(ROWS, COLUMNS, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 5, 7, 48, 1000])
@pytest.mark.parametrize(
    ("one", "shape", "dtype", "black"),
    [
        (layout(), (FRAMES, ROWS, COLUMNS), "<u1", 0),
        (layout(bits_allocated=16, bits_stored=12), (FRAMES, ROWS, COLUMNS), "<u2", 0),
        (
            layout(bits_allocated=16, bits_stored=12, photometric_interpretation="MONOCHROME1"),
            (FRAMES, ROWS, COLUMNS),
            "<u2",
            4095,
        ),
        (
            layout(bits_allocated=16, bits_stored=12, is_signed=True, photometric_interpretation="MONOCHROME1"),
            (FRAMES, ROWS, COLUMNS),
            "<i2",
            2047,
        ),
        (layout(samples=3, photometric_interpretation="RGB"), (FRAMES, ROWS, COLUMNS, 3), "<u1", (0, 0, 0)),
        (
            layout(samples=3, photometric_interpretation="YBR_FULL"),
            (FRAMES, ROWS, COLUMNS, 3),
            "<u1",
            (0, 128, 128),
        ),
    ],
)
def test_the_regions_are_black_in_every_frame_however_the_data_is_cut(
    size: int, one: PixelLayout, shape: tuple[int, ...], dtype: str, black: object
) -> None:
    cells = np.random.default_rng(1).integers(1, 100, shape).astype(dtype)
    expected = cells.copy()
    expected[:, inside()] = black

    result = b"".join(masked(one, REGIONS)(cut(cells.tobytes(), size)))

    assert one.is_maskable
    assert result == expected.tobytes()


@pytest.mark.parametrize("size", [7, 1000])
def test_each_plane_is_blanked(size: int) -> None:
    one = layout(samples=3, by_plane=True, photometric_interpretation="YBR_FULL")
    cells = np.full((FRAMES, 3, ROWS, COLUMNS), 9, np.uint8)
    expected = cells.copy()
    for plane, black in enumerate((0, 128, 128)):
        expected[:, plane][:, inside()] = black

    assert b"".join(masked(one, REGIONS)(cut(cells.tobytes(), size))) == expected.tobytes()


def test_subsampled_pixels_are_blanked_in_pairs() -> None:
    """PS3.3 section C.7.6.3.1.2: Y1 Y2 Cb Cr."""
    one = layout(samples=3, photometric_interpretation="YBR_FULL_422")
    cells = bytes([9] * ROWS * COLUMNS * 2)

    result = b"".join(masked(one, (Region(1, 0, 2, 1),))(cut(cells, 1000)))

    assert result[:8] == bytes([0, 0, 128, 128]) * 2
    assert set(result[8:]) == {9}


@pytest.mark.parametrize(
    "one",
    [
        layout(bits_allocated=1, bits_stored=1),
        layout(bits_allocated=12, bits_stored=12),
        layout(samples=3, photometric_interpretation="YBR_PARTIAL_420"),
        layout(samples=4, photometric_interpretation="CMYK"),
        layout(samples=3, by_plane=True, photometric_interpretation="YBR_FULL_422"),
        layout(photometric_interpretation=""),
        PixelLayout(0, 8),
    ],
)
def test_what_cannot_be_masked_says_so(one: PixelLayout) -> None:
    assert not one.is_maskable


@given(st.binary(max_size=60), st.integers(1, 13))
def test_bits_that_hold_no_pixel_are_cleared(data: bytes, size: int) -> None:
    """PS3.5 section 8.1.2: overlays were once embedded above the stored bits."""
    one = layout(bits_allocated=16, bits_stored=12, high_bit=11)
    data = data[: len(data) // 2 * 2]

    result = b"".join(only_stored_bits(one)(cut(data, size)))

    assert result == (np.frombuffer(data, "<u2") & 0x0FFF).tobytes()


def test_two_filters_follow_each_other() -> None:
    one = layout(bits_allocated=16, bits_stored=12, high_bit=11)
    cells = np.full((ROWS, COLUMNS), 0xF123, "<u2")
    filtered = both(only_stored_bits(one), masked(one, REGIONS))
    assert filtered is not None

    result = np.frombuffer(b"".join(filtered(cut(cells.tobytes(), 10))), "<u2").reshape(ROWS, COLUMNS)

    assert set(result[inside()]) == {0} and set(result[~inside()]) == {0x123}
    assert both(None, None) is None
