"""Frames as a loop, each shown as long as the header says (PS3.3 C.7.6.5, C.7.6.6): animated WebP, and MP4."""

import io
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final

import numpy as np
import PIL
from PIL import Image

from netty.errors import UsageError
from netty.image.encode import LARGEST_SIDE
from netty.image.errors import CannotRender
from netty.image.pixel_data import Array
from netty.image.settings import RenditionFormat

_MILLISECONDS: Final = Fraction(1, 1000)
_LARGEST_MP4: Final = 4096  # of a side: what decoders in browsers take


class LoopFormat(StrEnum):
    """What all frames together are turned into."""

    WEBP = "webp"
    MP4 = "mp4"


class VideoNotInstalled(UsageError):
    """MP4 is made by PyAV, which netty does not need otherwise."""


def encode_loop(pictures: Iterable[Array], durations: Sequence[int], format: LoopFormat, quality: int) -> bytes:
    """One file of all pictures, which have one size; `durations` are in milliseconds, one for each.

    Pictures are taken one at a time: a long loop costs no more memory than a short one.
    """
    taken = _of_one_size(pictures)
    return (_webp if format is LoopFormat.WEBP else _mp4)(taken, durations, quality)


def loop_encoder(format: LoopFormat) -> str:
    """Who encodes, and which version."""
    return f"Pillow {PIL.__version__}" if format is LoopFormat.WEBP else f"PyAV {_av().__version__} libx264"


def _of_one_size(pictures: Iterable[Array]) -> Iterator[Array]:
    shape: tuple[int, ...] | None = None
    for picture in pictures:
        shape = shape or picture.shape
        if picture.shape != shape:
            raise CannotRender("The frames differ in size, and make no loop.")
        yield picture


class _Loop(Image.Image):
    """The pictures as Pillow sees a file of several frames: it asks for them in turn."""

    def __init__(self, pictures: Iterator[Array], frames: int) -> None:
        super().__init__()
        self._pictures, self.n_frames, self._at = pictures, frames, -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        if frame == self._at + 1:
            shown = Image.fromarray(np.ascontiguousarray(next(self._pictures))).convert("RGB")
            self.im, self._mode, self._size, self._at = shown.im, shown.mode, shown.size, frame

    def tell(self) -> int:
        return self._at


def _webp(pictures: Iterator[Array], durations: Sequence[int], quality: int) -> bytes:
    loop = _Loop(pictures, len(durations))
    _limit(loop.size, LARGEST_SIDE[RenditionFormat.WEBP], LoopFormat.WEBP)
    file = io.BytesIO()
    loop.save(file, "WEBP", save_all=True, duration=list(durations), loop=0, quality=quality, method=2)
    return file.getvalue()


def _mp4(pictures: Iterator[Array], durations: Sequence[int], quality: int) -> bytes:
    av, file = _av(), io.BytesIO()
    starts = [0, *accumulate(durations)]
    with av.open(file, "w", format="mp4") as container:
        stream: Any = None
        for number, picture in enumerate(pictures):
            picture = _even(picture)
            if stream is None:
                rows, columns = picture.shape[:2]
                _limit((columns, rows), _LARGEST_MP4, LoopFormat.MP4)
                rate = Fraction(1000 * len(durations), max(1, starts[-1])).limit_denominator(1001)
                stream = container.add_stream("libx264", rate=rate)
                stream.width, stream.height, stream.pix_fmt = columns, rows, "yuv420p"
                stream.codec_context.time_base = stream.time_base = _MILLISECONDS
                stream.options = {"crf": str(_constant_rate(quality)), "preset": "fast", "threads": "1", "bf": "0"}
            frame = av.VideoFrame.from_ndarray(picture, format="gray" if picture.ndim == 2 else "rgb24")
            frame.pts, frame.time_base, frame.duration = starts[number], _MILLISECONDS, durations[number]
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))
    return file.getvalue()


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


def _limit(size: tuple[int, int], largest: int, format: LoopFormat) -> None:
    if max(size) > largest:
        raise CannotRender(
            "The loop is {columns} x {rows} pixels, and {format} ends at {largest}.",
            columns=size[0],
            rows=size[1],
            format=format.value,
            largest=largest,
        )


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise VideoNotInstalled("MP4 needs PyAV. Install it: pip install 'happy-netty[video]'.") from error
    return av
