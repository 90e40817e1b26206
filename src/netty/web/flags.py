"""What a picture's flags mean, in words: the renderer notes them, people must know them."""

from collections.abc import Iterable
from typing import Final

from netty.image.flags import Flag
from netty.language import mark
from netty.web.reader import Reader

FLAG_WORDS: Final[dict[str, str]] = {
    Flag.FLAT: mark("Every pixel has the same grey."),
    Flag.BLACK: mark("Hardly any pixel is brighter than black."),
    Flag.INVERTED: mark("It is brighter where the image's photometric interpretation says darker."),
    Flag.WRONG_SIZE: mark("The picture has another size than the image."),
    Flag.PADDING_ONLY: mark("Every pixel is padding: there is nothing to see."),
    Flag.SIZE_MISMATCH: mark("There is more pixel data than the image's size asks for."),
    Flag.FRAMES_MISSING: mark("The image has fewer frames than it says."),
    Flag.TRUNCATED: mark("The pixel data ends too early; what lacks is painted as zero."),
    Flag.OVERLAYS_NOT_DRAWN: mark("Some overlays of the image are not drawn."),
    Flag.SHUTTER_NOT_APPLIED: mark("Some of the image's shutter is not applied."),
    Flag.MASK_NOT_APPLIED: mark("The picture is unsubtracted: the subtraction mask is not applied."),
    Flag.WINDOW_OF_STORED_VALUES: mark("The image's window fits only without its rescale, which is left out."),
    Flag.RANGE_OF_ONE_IMAGE: mark("Without a window, brightness is of this image alone, not of its series."),
    Flag.ICC_IGNORED: mark("The image's ICC profile cannot be used."),
    Flag.AREA_IGNORED: mark("The displayed area of the presentation state cannot be used."),
    Flag.TRUE_SIZE: mark("The presentation state asks for its true size in millimetres, which is not shown."),
    Flag.ANNOTATIONS_NOT_DRAWN: mark("Some annotations of the presentation state are not drawn."),
    Flag.TEXT_WITHOUT_FONT: mark("Japanese text is drawn without a Japanese font; install fonts-noto-cjk."),
    Flag.STATE_ON_COLOUR: mark("The presentation state is for greys, and the image is in colour."),
    Flag.WINDOW_IGNORED: mark("The image's window has no meaning and is not used."),
    Flag.LUT_IGNORED: mark("The image's lookup table cannot be used."),
    Flag.LUT_DEPTH_CORRECTED: mark("The depth of the image's lookup table was corrected."),
    Flag.RESCALE_IGNORED: mark("The image's rescale values cannot be used."),
    Flag.ASPECT_IGNORED: mark("The image's pixel aspect ratio cannot be used."),
    Flag.PHOTOMETRIC_ASSUMED: mark("The image does not say what its values mean; netty assumes it."),
    Flag.LOOP_LEFT_OUT: mark("The frames are not offered as a loop: it would be too large or could not be made."),
    Flag.NOT_SUBSAMPLED: mark("The colours are stored in another way than the image says."),
}


def say_flags(reader: Reader, flags: Iterable[str]) -> list[str]:
    """Each flag in the reader's language; one that has no words here is shown as it is, never hidden."""
    return [reader.say(FLAG_WORDS[flag]) if flag in FLAG_WORDS else flag for flag in flags]
