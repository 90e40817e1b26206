"""What a receiver has kept: its files read back, and their pixels compared with those that were sent."""

import mmap
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from bench.images import Image

_SOP_INSTANCE_UID: Final = re.compile(rb"\x08\x00\x18\x00(?:UI..|....)(2\.25\.\d{39})", re.DOTALL)
_HEAD: Final = 1 << 16  # the header of a made image is far shorter


def kept_whole(files: Iterable[Path], images: Mapping[str, Image]) -> set[str]:
    """The SOP Instance UIDs of the images that one of the files holds with all its pixels."""
    return {uid for file in files if file.is_file() and (uid := _kept(file, images))}


def _kept(file: Path, images: Mapping[str, Image]) -> str:
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
        found = _SOP_INSTANCE_UID.search(head)
        image = images.get(found[1].decode()) if found else None
        if image is None:
            return ""
        place = _pixels_at(head, len(image.pixels))
        return image.sop_instance_uid if place and _same(opened.fileno(), place, image.pixels) else ""


def _pixels_at(head: bytes, length: int) -> int:
    """Where the value of Pixel Data starts, in Implicit or Explicit VR."""
    size = length.to_bytes(4, "little")
    found = re.search(rb"\xe0\x7f\x10\x00(?:O[BW]\x00\x00)?" + re.escape(size), head, re.DOTALL)
    return found.end() if found else 0


def _same(descriptor: int, place: int, pixels: bytes) -> bool:
    with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as view:
        if len(view) < place + len(pixels):
            return False
        there = np.frombuffer(view, np.uint8, len(pixels), place)
        same = bool(np.array_equal(there, np.frombuffer(pixels, np.uint8)))
        del there  # or the map cannot be closed
        return same
