"""The settings of the section [render]."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


class RenditionFormat(StrEnum):
    """What an image is turned into; the value is the word in the settings and on the command line."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"


class LoopFormat(StrEnum):
    """What all frames of a multi-frame image together are turned into."""

    NONE = "none"
    WEBP = "webp"
    MP4 = "mp4"


class CtWindow(StrEnum):
    """A window that CT images can be seen through, beside their own."""

    LUNG = "lung"
    BONE = "bone"
    BRAIN = "brain"
    MEDIASTINUM = "mediastinum"


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """[render].

    Attributes:
        quality: 1 to 100, for JPEG, WebP and loops; PNG and TIFF lose nothing.
        png_bits: 8, or 16: PNG with all greys that the image has. Colour has 8 in any case.
        loop: of images with several frames, beside the frames themselves.
        ct_windows: further pictures of CT images.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    format: RenditionFormat = RenditionFormat.JPEG
    quality: int = 90
    png_bits: int = 8
    loop: LoopFormat = LoopFormat.NONE
    ct_windows: tuple[CtWindow, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise ValueError("quality must be 1 to 100")
        if self.png_bits not in (8, 16):
            raise ValueError("png_bits must be 8 or 16")
