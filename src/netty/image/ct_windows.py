"""Windows for what a CT shows, beside those that its header names: in Hounsfield units (PS3.3 C.11.1.1.2)."""

from typing import Final

from netty.image.modality import Rescale
from netty.image.renderable import RenderableImage
from netty.image.settings import CtWindow
from netty.image.voi import Window

CT_WINDOWS: Final = {
    CtWindow.LUNG: Window(-600, 1500, explanation="lung"),
    CtWindow.BONE: Window(400, 1800, explanation="bone"),
    CtWindow.BRAIN: Window(40, 80, explanation="brain"),
    CtWindow.MEDIASTINUM: Window(40, 400, explanation="mediastinum"),
}
_HOUNSFIELD: Final = ("HU", "")  # Rescale Type; where it is absent, an original CT has Hounsfield units (C.8.2.1)


def has_hounsfield_units(image: RenderableImage, frame: int) -> bool:
    """Whether these windows mean anything for frame `frame` (from 1)."""
    modality = image.transforms_of(frame - 1).modality
    return image.is_ct and isinstance(modality, Rescale) and modality.units.strip().upper() in _HOUNSFIELD
