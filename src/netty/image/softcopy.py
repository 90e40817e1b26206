"""A Grayscale Softcopy Presentation State as it applies to one frame (PS3.3 A.33.1, PS3.4 N.2).

It replaces the image's own transforms: what is absent in it is the identity, not what the image says.
"""

from dataclasses import dataclass, field

from netty.image.annotation import Annotations
from netty.image.flags import Flag
from netty.image.grayscale import GrayscaleTransforms
from netty.image.lookup_table import LookupTable
from netty.image.overlay import Overlay
from netty.image.shutter import Shutter
from netty.image.spatial import Area
from netty.image.subtraction import MaskSubtraction


@dataclass(frozen=True, slots=True)
class ActivatedOverlay:
    """What a state draws with its layer's grey (C.11.7): the image's overlay of this group, or the state's own."""

    group: int
    grey: int = 255
    own: Overlay | None = None


@dataclass(frozen=True, slots=True)
class PresentationState:
    """What one state says about one frame of one image. `area` None: all of the image."""

    sop_instance_uid: str = ""
    label: str = ""
    transforms: GrayscaleTransforms = field(default_factory=GrayscaleTransforms)
    inverted: bool = False
    lut: LookupTable | None = None  # Presentation LUT Sequence
    mask: MaskSubtraction | None = None
    shutter: Shutter | None = None
    overlays: tuple[ActivatedOverlay, ...] = ()  # in the order of their layers
    area: Area | None = None
    aspect: tuple[float, float] = (1.0, 1.0)
    magnification: float = 1.0
    true_size: bool = False
    spacing: tuple[float, float] | None = None  # Presentation Pixel Spacing in millimetres, of rows and of columns
    rotation: int = 0
    flipped: bool = False
    annotations: Annotations = ()
    flags: tuple[Flag, ...] = ()
