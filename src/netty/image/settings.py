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


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """[render]. `quality` (1 to 100) is for JPEG and WebP; PNG and TIFF lose nothing."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    format: RenditionFormat = RenditionFormat.JPEG
    quality: int = 90

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise ValueError("quality must be 1 to 100")
