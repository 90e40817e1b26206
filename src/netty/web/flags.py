"""What a picture's flags mean, in words: the renderer notes them, people must know them."""

from collections.abc import Iterable
from typing import Final

from netty.image.flags import Flag
from netty.language import mark
from netty.web.reader import Reader

FLAG_WORDS: Final[dict[str, str]] = {
    Flag.FLAT: mark("Every pixel has the same grey."),
    Flag.PADDING_ONLY: mark("Every pixel is padding: there is nothing to see."),
    Flag.SIZE_MISMATCH: mark("There is more pixel data than the image's size asks for."),
    Flag.TRUNCATED: mark("The pixel data ends too early; what lacks is painted as zero."),
    Flag.OVERLAYS_NOT_DRAWN: mark("Overlays of the image are not drawn."),
    Flag.SHUTTER_NOT_APPLIED: mark("The shutter of the image is not applied."),
    Flag.MASK_NOT_APPLIED: mark("The subtraction mask is not applied."),
    Flag.WINDOW_IGNORED: mark("The image's window has no meaning and is not used."),
    Flag.LUT_IGNORED: mark("The image's lookup table cannot be used."),
    Flag.LUT_DEPTH_CORRECTED: mark("The depth of the image's lookup table was corrected."),
    Flag.RESCALE_IGNORED: mark("The image's rescale values cannot be used."),
    Flag.ASPECT_IGNORED: mark("The image's pixel aspect ratio cannot be used."),
    Flag.PHOTOMETRIC_ASSUMED: mark("The image does not say what its values mean; netty assumes it."),
    Flag.NOT_SUBSAMPLED: mark("The colours are stored in another way than the image says."),
}


def say_flags(reader: Reader, flags: Iterable[str]) -> list[str]:
    """Each flag in the reader's language; one that has no words here is shown as it is, never hidden."""
    return [reader.say(FLAG_WORDS[flag]) if flag in FLAG_WORDS else flag for flag in flags]
