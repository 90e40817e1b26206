"""What a rendition is marked with when it is not simply the picture: never silent, never in the way."""

from enum import StrEnum


class Flag(StrEnum):
    """A remark about one rendition; the value is stored and shown."""

    FLAT = "flat"  # every pixel has one grey
    BLACK = "black"  # hardly any pixel is brighter than black
    INVERTED = "inverted"  # brighter where the photometric interpretation says darker
    WRONG_SIZE = "wrong_size"  # the file made of the picture has another size than the picture
    PADDING_ONLY = "padding_only"  # every pixel is padding
    SIZE_MISMATCH = "size_mismatch"  # more pixel data than rows, columns and frames ask for
    FRAMES_MISSING = "frames_missing"  # fewer frames in the pixel data than the header says
    TRUNCATED = "truncated"  # pixel data ends within the frame; the rest is painted as zero
    OVERLAYS_NOT_DRAWN = "overlays_not_drawn"
    SHUTTER_NOT_APPLIED = "shutter_not_applied"
    MASK_NOT_APPLIED = "mask_not_applied"  # unsubtracted, though there is an XA Mask Module
    WINDOW_OF_STORED_VALUES = "window_of_stored_values"  # its rescale is left out, as its window does not fit behind it
    RANGE_OF_ONE_IMAGE = "range_of_one_image"  # no window, and the values of the rest of the series are not known
    ICC_IGNORED = "icc_ignored"
    AREA_IGNORED = "area_ignored"  # the displayed area of a presentation state
    TRUE_SIZE = "true_size"  # a presentation state asks for a size in millimetres, which only a display can give
    ANNOTATIONS_NOT_DRAWN = "annotations_not_drawn"
    TEXT_WITHOUT_FONT = "text_without_font"  # Japanese text, and no font that has its letters
    STATE_ON_COLOUR = "state_on_colour"  # the grey transforms of a presentation state, and an image in colour
    WINDOW_IGNORED = "window_ignored"  # window attributes present, but without a meaning
    LUT_IGNORED = "lut_ignored"
    LUT_DEPTH_CORRECTED = "lut_depth_corrected"  # the entries need more or fewer bits than the descriptor says
    RESCALE_IGNORED = "rescale_ignored"
    ASPECT_IGNORED = "aspect_ignored"
    PHOTOMETRIC_ASSUMED = "photometric_assumed"
    LOOP_LEFT_OUT = "loop_left_out"  # the settings ask for a loop of its frames, and none could be made
    NOT_SUBSAMPLED = "not_subsampled"  # declared YBR_FULL_422, stored without subsampling
