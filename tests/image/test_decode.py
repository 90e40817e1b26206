"""Codestreams made here, decoded: their values in cells, their colours turned once, their lies refused."""

from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from netty.image.decode import SYNTAXES, Compression, decode_frame
from netty.image.errors import CannotRender
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription, stored_values
from support.codestreams import (
    BASELINE,
    HTJ2K,
    J2K,
    J2K_LOSSLESS,
    JPEG_LS,
    LOSSLESS_ENCODERS,
    LOSSY_ENCODERS,
    RLE,
    SV1,
    rle,
)

RAMP12 = (np.arange(48 * 64, dtype=np.uint16) % 4096).reshape(48, 64)
COLOURS = np.stack(np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 8)), -1).astype(np.uint8)
COLOURS = np.concatenate([COLOURS, COLOURS[..., :1] // 2], -1)


def description(pixels: NDArray[Any], stored: int = 0, **more: Any) -> PixelDescription:
    colour = pixels.ndim == 3
    bits = pixels.dtype.itemsize * 8
    stored = stored or bits
    photometric = PhotometricInterpretation.RGB if colour else PhotometricInterpretation.MONOCHROME2
    high = more.pop("high_bit", stored - 1)
    return PixelDescription(*pixels.shape[:2], photometric, bits, stored, high, pixels.dtype.kind == "i", **more)


def decoded(data: bytes, syntax: str, pixels: PixelDescription, photometric: str = "MONOCHROME2") -> NDArray[Any]:
    cells = decode_frame(data, Compression(syntax, photometric), pixels).cells
    shape = (pixels.rows, pixels.columns, 3)[: 2 + (pixels.samples == 3)]
    return stored_values(cells, pixels).reshape(shape)


@pytest.mark.parametrize("syntax", LOSSLESS_ENCODERS)
def test_lossless_syntaxes_give_back_every_value(syntax: str) -> None:
    assert np.array_equal(decoded(bytes(LOSSLESS_ENCODERS[syntax](RAMP12)), syntax, description(RAMP12, 12)), RAMP12)


@pytest.mark.parametrize("syntax", [J2K_LOSSLESS, HTJ2K, RLE])
def test_signed_values_keep_their_sign(syntax: str) -> None:
    signed = RAMP12.astype(np.int16) - 2048
    data = rle(signed.view(np.uint16)) if syntax == RLE else None
    if syntax == J2K_LOSSLESS:
        data = imagecodecs.jpeg2k_encode(signed, codecformat="J2K", reversible=True)
    data = data or imagecodecs.htj2k_encode(signed, reversible=True)

    assert np.array_equal(decoded(bytes(data), syntax, description(signed)), signed)


@pytest.mark.parametrize("syntax", sorted(LOSSY_ENCODERS.keys() - {BASELINE}))
def test_lossy_syntaxes_come_near(syntax: str) -> None:
    data = bytes(LOSSY_ENCODERS[syntax](RAMP12 // 2))

    values = decoded(data, syntax, description(RAMP12, 12)).astype(int)

    assert np.abs(values - RAMP12 // 2).mean() < 24


@pytest.mark.parametrize(
    ("photometric", "colorspace", "remarks"),
    [
        ("YBR_FULL_422", "YCBCR", "JFIF"),
        ("RGB", "YCBCR", "JFIF"),  # the codestream is right
        ("RGB", "RGB", "Adobe"),
        ("YBR_FULL", "RGB", "Adobe"),
        ("YBR_FULL", "YCBCR", ""),  # only the data set says it
        ("RGB", "RGB", ""),
    ],
)
def test_colours_of_a_jpeg_are_turned_once(photometric: str, colorspace: str, remarks: str) -> None:
    data = bytes(imagecodecs.jpeg8_encode(COLOURS, 100, colorspace="RGB", outcolorspace=colorspace, subsampling="444"))
    if not remarks:
        data = without_application_segments(data)

    values = decoded(data, BASELINE, description(COLOURS), photometric).astype(int)

    assert np.abs(values - COLOURS).max() <= 6


def without_application_segments(jpeg: bytes) -> bytes:
    position, kept = 2, jpeg[:2]
    while jpeg[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        segment = jpeg[position:end]
        if segment[1] == 0xC0:  # libjpeg names the components R, G, B: call them 1, 2, 3
            segment = bytearray(segment)
            segment[10], segment[13], segment[16] = 1, 2, 3
        kept += b"" if 0xE0 <= segment[1] <= 0xEF else bytes(segment)
        position = end
    scan = bytearray(jpeg[position:])
    scan[5], scan[7], scan[9] = 1, 2, 3
    return kept + bytes(scan)


@pytest.mark.parametrize("photometric", ["YBR_RCT", "RGB"])
def test_a_transform_of_jpeg_2000_is_undone_by_its_decoder_alone(photometric: str) -> None:
    data = bytes(imagecodecs.jpeg2k_encode(COLOURS, codecformat="J2K", reversible=True, mct=True))

    assert np.array_equal(decoded(data, J2K_LOSSLESS, description(COLOURS), photometric), COLOURS)


def test_ybr_full_without_a_transform_in_the_codestream_is_turned_by_us() -> None:
    grey = np.full((8, 8, 3), 128, np.uint8)
    grey[..., 0] = 77
    for syntax, data in (
        (J2K_LOSSLESS, imagecodecs.jpeg2k_encode(grey, codecformat="J2K", reversible=True, mct=False)),
        (RLE, rle(grey)),
        (JPEG_LS, imagecodecs.jpegls_encode(grey)),
    ):
        assert np.array_equal(decoded(bytes(data), syntax, description(grey), "YBR_FULL"), np.full((8, 8, 3), 77))


def test_colours_of_rle_are_planes_put_together() -> None:
    assert np.array_equal(decoded(rle(COLOURS), RLE, description(COLOURS), "RGB"), COLOURS)


def test_what_lossy_compression_overshoots_does_not_come_round() -> None:
    beyond = np.full((16, 16), 4100, np.uint16)  # 12 bits stored
    data = bytes(imagecodecs.jpeg2k_encode(beyond, codecformat="J2K", reversible=True))

    assert decoded(data, J2K, description(beyond, 12)).max() == 4095


def test_values_go_to_the_high_bit_where_the_header_wants_them() -> None:
    data = bytes(imagecodecs.jpeg8_encode(RAMP12, lossless=True, predictor=1, bitspersample=12))

    assert np.array_equal(decoded(data, SV1, description(RAMP12, 12, high_bit=15)), RAMP12)


@pytest.mark.parametrize("syntax", LOSSLESS_ENCODERS)
def test_another_size_than_the_header_says_is_refused_before_memory_is_taken(syntax: str) -> None:
    data = bytes(LOSSLESS_ENCODERS[syntax](RAMP12))
    lying = PixelDescription(65535, 65535, PhotometricInterpretation.MONOCHROME2, 16, 12, 11)

    with pytest.raises(CannotRender, match=SYNTAXES[syntax].name):
        decode_frame(data, Compression(syntax, "MONOCHROME2"), lying)


def test_a_codestream_with_deeper_samples_than_the_header_allocates_is_refused() -> None:
    with pytest.raises(CannotRender, match="samples of 12 bits, the header allocates 8"):
        decode_frame(
            bytes(LOSSLESS_ENCODERS[SV1](RAMP12)), Compression(SV1, "MONOCHROME2"), description(RAMP12.astype(np.uint8))
        )


@pytest.mark.parametrize("syntax", SYNTAXES)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=200))
def test_bytes_of_no_codestream_are_refused_by_the_name_of_the_syntax(syntax: str, data: bytes) -> None:
    with pytest.raises(CannotRender, match=SYNTAXES[syntax].name):
        decode_frame(data, Compression(syntax, "MONOCHROME2"), description(RAMP12, 12))


# HTJ2K's decoder swallows some errors, which workflow.swallowed turns into one of ours.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(LOSSLESS_ENCODERS)), st.data())
def test_broken_codestreams_give_a_picture_or_an_error(syntax: str, choice: st.DataObject) -> None:
    data = bytearray(LOSSLESS_ENCODERS[syntax](RAMP12))
    for _ in range(choice.draw(st.integers(0, 4))):
        data[choice.draw(st.integers(0, len(data) - 1))] = choice.draw(st.integers(0, 255))
    cut = bytes(data[: choice.draw(st.integers(0, len(data)))])
    try:
        assert decoded(cut, syntax, description(RAMP12, 12)).shape == RAMP12.shape
    except CannotRender as error:
        assert SYNTAXES[syntax].name in str(error)
