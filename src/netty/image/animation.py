"""Frames as a loop, each shown as long as the header says (PS3.3 C.7.6.5, C.7.6.6): animated WebP, and MP4."""

import io
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final

import numpy as np
import PIL

from netty.errors import UsageError
from netty.image.animation_webp import write_webp
from netty.image.encode import LARGEST_SIDE
from netty.image.errors import CannotRender
from netty.image.pixel_data import Array
from netty.image.settings import LoopFormat, RenditionFormat

_MILLISECONDS: Final = Fraction(1, 1000)
_LARGEST_MP4: Final = 4096  # of a side: what decoders in browsers take
_PIXELS_AHEAD: Final = 16 << 20  # that x264 holds before it encodes them: four bytes and more for each
LARGEST_FILE: Final = 128 << 20
MOST_PIXELS: Final = 1 << 29  # of all frames together: what a child can encode within its time


class VideoNotInstalled(UsageError):
    """MP4 is made by PyAV, which netty does not need otherwise."""


def encode_loop(
    pictures: Iterable[Array], durations: Sequence[int], format: LoopFormat, quality: int, icc_profile: bytes = b""
) -> bytes:
    """One file of all pictures, which have one size; `durations` are in milliseconds, one for each.

    Pictures are taken one at a time: a long loop costs no more memory than a short one, but for the file itself.

    Raises:
        CannotRender: where the loop would be too large to be made or looked at.
        VideoNotInstalled: where PyAV is needed.
    """
    file = _Limited()
    if format is LoopFormat.WEBP:
        taken = _of_one_size(pictures, len(durations), LARGEST_SIDE[RenditionFormat.WEBP])
        write_webp(file, taken, durations, quality, icc_profile)
    else:
        _mp4(file, _of_one_size(pictures, len(durations), _LARGEST_MP4), durations, quality)
    return file.getvalue()


def loop_encoder(format: LoopFormat) -> str:
    """Who encodes, and which version."""
    return f"Pillow {PIL.__version__}" if format is LoopFormat.WEBP else f"PyAV {_av().__version__} libx264"


class _Limited(io.BytesIO):
    """A file in memory that ends somewhere."""

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > LARGEST_FILE:
            raise CannotRender("The loop would be larger than {limit} MB.", limit=LARGEST_FILE >> 20)
        return super().write(data)


def _of_one_size(pictures: Iterable[Array], frames: int, largest: int) -> Iterator[Array]:
    shape: tuple[int, ...] | None = None
    for picture in pictures:
        if shape is None:
            shape = picture.shape
            _require_bounds(frames, shape[0], shape[1], largest)
        if picture.shape != shape:
            raise CannotRender("The frames differ in size, and make no loop.")
        yield picture


def _require_bounds(frames: int, rows: int, columns: int, largest: int) -> None:
    if max(rows, columns) > largest:
        raise CannotRender(
            "The loop is {columns} x {rows} pixels, and its format ends at {largest}.",
            columns=columns,
            rows=rows,
            largest=largest,
        )
    if frames * rows * columns > MOST_PIXELS:
        raise CannotRender(
            "The loop would have {frames} frames of {columns} x {rows} pixels, which are too many.",
            frames=frames,
            columns=columns,
            rows=rows,
        )


def _mp4(file: io.BytesIO, pictures: Iterator[Array], durations: Sequence[int], quality: int) -> None:
    av = _av()
    starts = [0, *accumulate(durations)]
    with av.open(file, "w", format="mp4") as container:
        stream: Any = None
        for number, picture in enumerate(pictures):
            picture = _even(picture)
            if stream is None:
                rows, columns = picture.shape[:2]
                rate = Fraction(1000 * len(durations), max(1, starts[-1])).limit_denominator(1001)
                stream = container.add_stream("libx264", rate=rate)
                stream.width, stream.height, stream.pix_fmt = columns, rows, "yuv420p"
                stream.codec_context.time_base = stream.time_base = _MILLISECONDS
                stream.options = {
                    "crf": str(_constant_rate(quality)),
                    "preset": "fast",
                    "threads": "1",
                    "bf": "0",
                    "refs": "1",
                    "rc-lookahead": str(min(30, _PIXELS_AHEAD // (rows * columns))),
                }
            frame = av.VideoFrame.from_ndarray(picture, format="gray" if picture.ndim == 2 else "rgb24")
            frame.pts, frame.time_base, frame.duration = starts[number], _MILLISECONDS, durations[number]
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def _constant_rate(quality: int) -> int:
    """x264's scale for 1 to 100: 18 looks like the original, 51 is the worst."""
    return round(51 - 0.4 * max(0, min(quality, 100)))


def _even(picture: Array) -> Array:
    """Chrominance of 4:2:0 wants even sides: the last row or column is shown twice."""
    rows, columns = picture.shape[:2]
    if rows % 2 or columns % 2:
        padding = ((0, rows % 2), (0, columns % 2), (0, 0))[: picture.ndim]
        picture = np.pad(picture, padding, mode="edge")
    return np.ascontiguousarray(picture)


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise VideoNotInstalled("MP4 needs PyAV. Install it: pip install 'happy-netty[video]'.") from error
    return av
