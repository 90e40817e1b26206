"""``python -m bench.render_workers NAME OUT FILE...``: one that draws, in a process that loads what it needs once.

For each line on standard input it draws all files to OUT, as ``<number>-<frame>.jpg``, and answers with the seconds of
processor time and of time that it took.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.pictures import window_table

QUALITY: Final = 90
_BAND: Final = 128  # rows

Draw = Callable[[Path], Iterator[bytes]]


def _netty() -> Draw:
    from netty.workflow.data_set_place import locate_data_set
    from netty.workflow.render_job import render_job

    jobs: dict[Path, dict[str, Any]] = {}  # a job says where its data set is; who received it knows

    def draw(file: Path) -> Iterator[bytes]:
        """What a render child does with a job."""
        if file not in jobs:
            offset, syntax = locate_data_set(file)
            place = {"path": str(file), "offset": offset, "transfer_syntax": syntax}
            jobs[file] = place | {"format": "jpeg", "quality": QUALITY}
        job = jobs[file]
        for header, data in render_job(job):
            if header["kind"] == "rendition":
                yield data

    return draw


def pillow() -> Draw:
    """pydicom and Pillow."""
    import io

    import pydicom
    from PIL import Image
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    def draw(file: Path) -> Iterator[bytes]:
        """As pydicom's documentation has it."""
        data_set = pydicom.dcmread(file)
        values = data_set.pixel_array
        for frame in values if getattr(data_set, "NumberOfFrames", 1) > 1 else [values]:
            encoded = io.BytesIO()
            Image.fromarray(_eight_bits(data_set, frame)).save(encoded, "JPEG", quality=QUALITY)
            yield encoded.getvalue()

    def _eight_bits(data_set: pydicom.Dataset, frame: Any) -> Any:
        if data_set.SamplesPerPixel == 3:
            return frame
        shown = np.asarray(apply_voi_lut(apply_modality_lut(frame, data_set), data_set))
        slope, low = float(data_set.get("RescaleSlope", 1)), float(data_set.get("RescaleIntercept", 0))
        span = ((1 << data_set.BitsStored) - 1) * slope  # apply_voi_lut gives the whole range that can be stored
        grey = ((shown - low) * (255 / span)).astype(np.uint8)
        return 255 - grey if data_set.PhotometricInterpretation == "MONOCHROME1" else grey

    return draw


def _bare() -> Draw:
    import pydicom
    import simplejpeg

    # The pixels are read, and the table is made, before anything is measured: what is left is looking up and encoding.
    known: dict[Path, tuple[list[Any], Any, str]] = {}

    def draw(file: Path) -> Iterator[bytes]:
        if file not in known:
            data_set = pydicom.dcmread(file)
            values = data_set.pixel_array
            colour = data_set.SamplesPerPixel == 3
            frames = list(values) if getattr(data_set, "NumberOfFrames", 1) > 1 else [values]
            known[file] = frames, None if colour else window_table(data_set), "444" if colour else "Gray"
        frames, table, subsampling = known[file]
        for frame in frames:
            picture = frame if table is None else looked_up(table, frame)
            space = "RGB" if table is None else "GRAY"
            yield simplejpeg.encode_jpeg(picture, quality=QUALITY, colorspace=space, colorsubsampling=subsampling)

    return draw


def looked_up(table: Any, frame: Any) -> Any:
    """By bands of rows: numpy makes indices of 8 bytes of the cells, which should stay near the processor."""
    picture = np.empty((*frame.shape, 1), np.uint8)
    for row in range(0, len(frame), _BAND):
        band = slice(row, row + _BAND)
        np.take(table, frame[band], mode="wrap", out=picture[band, :, 0])
    return picture


_WORKERS: Final = {"netty": _netty, "pillow": pillow, "bare": _bare}


def main(name: str, out: str, *files: str) -> None:
    """Serve until standard input ends."""
    draw, folder, paths = _WORKERS[name](), Path(out), list(map(Path, files))
    for path in paths:  # what is loaded and made once is not counted
        list(draw(path))
    print("ready", flush=True)
    for _ in sys.stdin:
        cpu, began = time.process_time(), time.perf_counter()
        for number, path in enumerate(paths):
            for frame, data in enumerate(draw(path), 1):
                (folder / f"{number}-{frame}.jpg").write_bytes(data)
        print(time.process_time() - cpu, time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
