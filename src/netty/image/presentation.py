"""Which end of the greys is white (PS3.3 C.7.6.3.1.2, C.11.6)."""

from enum import StrEnum

from netty.image.pixel_data import PhotometricInterpretation


class PresentationLutShape(StrEnum):
    """Presentation LUT Shape (2050,0020) as images may have it."""

    IDENTITY = "IDENTITY"
    INVERSE = "INVERSE"


def is_inverted(photometric: PhotometricInterpretation, shape: PresentationLutShape | None) -> bool:
    """Whether the lowest value is shown white.

    DX, MG and CR images say it twice, MONOCHROME1 and INVERSE: it is one inversion, and the shape speaks first.
    """
    if shape is not None:
        return shape is PresentationLutShape.INVERSE
    return photometric is PhotometricInterpretation.MONOCHROME1
