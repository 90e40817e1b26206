"""An image as values: what a data set says about its picture, read and made sense of."""

from dataclasses import dataclass, field, fields

from netty.image.colour import Palette
from netty.image.decode import Compression
from netty.image.flags import Flag
from netty.image.grayscale import GrayscaleTransforms
from netty.image.overlay import Overlay
from netty.image.padding import Padding
from netty.image.pixel_data import PixelDescription
from netty.image.shutter import Shutter
from netty.image.subtraction import MaskSubtraction, Subtraction, subtraction_of


@dataclass(frozen=True, slots=True)
class RenderableImage:
    """Everything that a picture is made of, except the pixels.

    `pixels` are those behind the decoder, where there is `compression`.

    `transforms` has one entry for all frames, or one per frame (functional groups).
    """

    pixels: PixelDescription
    transforms: tuple[GrayscaleTransforms, ...] = (GrayscaleTransforms(),)
    inverted: bool = False
    padding: Padding | None = None
    palette: Palette | None = None
    aspect: tuple[float, float] = (1.0, 1.0)  # vertical, horizontal
    overlays: tuple[Overlay, ...] = ()
    shutter: Shutter | None = None
    masks: tuple[MaskSubtraction, ...] = ()
    icc_profile: bytes = b""
    shares_range: bool = False  # without a window, all images of its series should be shown with one range of values
    is_ct: bool = False
    flags: tuple[Flag, ...] = ()
    compression: Compression | None = None
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compared = tuple(getattr(self, each.name) for each in fields(self) if each.compare)
        object.__setattr__(self, "_hash", hash(compared))  # once: all slices of a series share an image, and look it up

    def __hash__(self) -> int:
        return self._hash

    def transforms_of(self, frame: int) -> GrayscaleTransforms:
        """The grayscale transforms of frame `frame` (from 0)."""
        return self.transforms[frame if frame < len(self.transforms) else -1]

    def subtraction_of(self, frame: int) -> Subtraction | None:
        """What is subtracted to make frame `frame` (from 1), where the image asks for it."""
        made = (subtraction_of(mask, frame, self.pixels.frames) for mask in self.masks)
        return next((subtraction for subtraction in made if subtraction), None)


@dataclass(frozen=True, slots=True)
class NotRenderable:
    """There is no picture to make.

    `expected` tells a thing that has no picture by its nature (a presentation state: a final state, not an error)
    from an image that cannot be rendered. `template` and `values` make the sentence, as in NettyError.
    """

    expected: bool
    template: str
    values: tuple[tuple[str, object], ...] = ()

    @property
    def reason(self) -> str:
        """The sentence in English."""
        return self.template.format(**dict(self.values))
