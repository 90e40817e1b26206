"""What kinds of files an image is turned into, and what those files are called."""

from enum import StrEnum
from typing import Final


class RenditionKind(StrEnum):
    """What a rendition is for; the value is stored."""

    PICTURE = "picture"  # one frame
    THUMBNAIL = "thumbnail"  # one frame for a list, small
    LOOP = "loop"  # all frames, each for its time


# By the format's word, which is that of `RenditionFormat` or `LoopFormat`.
EXTENSIONS: Final = {"jpeg": "jpg", "png": "png", "webp": "webp", "tiff": "tiff", "mp4": "mp4"}
MEDIA_TYPES: Final = {format: f"image/{format}" for format in EXTENSIONS} | {"mp4": "video/mp4"}
