"""Pictures by another program: DCMTK's dcmj2pnm, told the same grey scale transform as ours."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from netty.image.lookup_table import LookupTable
from netty.image.voi import ValueRange, Voi, Window
from support.peers import run


def rendered_by_dcmtk(path: Path, folder: Path, frames: int, voi: Voi | None) -> list[NDArray[np.uint8]]:
    """Every frame of `path` in 8 bits, before compression and without overlays."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / path.stem
    done = run("dcmj2pnm", "+on", "-O", "+Fr", 1, frames, *_window(voi), path, stem)
    assert done.code == 0, f"{path}: {done.output}"
    files = sorted(folder.glob(f"{path.stem}*.png"), key=_frame_number)
    assert len(files) == frames, (path, files, done.output)
    return [np.asarray(Image.open(file)) for file in files]


def _frame_number(file: Path) -> int:
    parts = file.name.split(".")
    return int(parts[-2]) if parts[-2].isdigit() else 0


def _window(voi: Voi | None) -> list[str]:
    """The same transform as an option; the smallest and largest values become the window that ends at them."""
    match voi:
        case Window(center, width, function):
            shape = {"SIGMOID": ["+Wfs"], "LINEAR": ["+Wfl"]}.get(function, [])
            return [*shape, "+Ww", f"{center:g}", f"{width:g}"]
        case LookupTable():
            return ["+Wl", "1"]
        case ValueRange(low, high):
            return ["+Ww", f"{(low + high) / 2 + 0.5:g}", f"{high - low + 1:g}"]
        case None:
            return []
