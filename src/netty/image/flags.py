"""What a rendition is marked with when it is not simply the picture: never silent, never in the way."""

from enum import StrEnum


class Flag(StrEnum):
    """A remark about one rendition; the value is stored and shown."""

    FLAT = "flat"  # every pixel has one grey
    PADDING_ONLY = "padding_only"  # every pixel is padding
    SIZE_MISMATCH = "size_mismatch"  # more pixel data than rows, columns and frames ask for
    TRUNCATED = "truncated"  # pixel data ends within the frame; the rest is painted as zero
    OVERLAYS_NOT_DRAWN = "overlays_not_drawn"
    SHUTTER_NOT_APPLIED = "shutter_not_applied"
    MASK_NOT_APPLIED = "mask_not_applied"  # subtraction (XA Mask Module)
    WINDOW_IGNORED = "window_ignored"  # window attributes present, but without a meaning
    LUT_IGNORED = "lut_ignored"
    LUT_DEPTH_CORRECTED = "lut_depth_corrected"  # the entries need more or fewer bits than the descriptor says
    RESCALE_IGNORED = "rescale_ignored"
    ASPECT_IGNORED = "aspect_ignored"
    PHOTOMETRIC_ASSUMED = "photometric_assumed"
    NOT_SUBSAMPLED = "not_subsampled"  # declared YBR_FULL_422, stored without subsampling
