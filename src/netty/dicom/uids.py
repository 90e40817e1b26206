"""The unique identifiers that netty speaks (PS3.6 Annex A), and the tables of the statement made of them."""

import re
from typing import Final

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"

VERIFICATION: Final = "1.2.840.10008.1.1"
STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"

GRAYSCALE_SOFTCOPY_PRESENTATION_STATE: Final = "1.2.840.10008.5.1.4.1.1.11.1"

STORAGE_CLASSES: Final[dict[str, str]] = {  # statement table 2 and table 5
    "1.2.840.10008.5.1.4.1.1.1": "Computed Radiography Image Storage",
    "1.2.840.10008.5.1.4.1.1.1.1": "Digital X-Ray Image Storage - For Presentation",
    "1.2.840.10008.5.1.4.1.1.1.2": "Digital Mammography X-Ray Image Storage - For Presentation",
    "1.2.840.10008.5.1.4.1.1.2": "CT Image Storage",
    "1.2.840.10008.5.1.4.1.1.3.1": "Ultrasound Multi-frame Image Storage",
    "1.2.840.10008.5.1.4.1.1.4": "MR Image Storage",
    "1.2.840.10008.5.1.4.1.1.6.1": "Ultrasound Image Storage",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture Image Storage",
    GRAYSCALE_SOFTCOPY_PRESENTATION_STATE: "Grayscale Softcopy Presentation State Storage",
    "1.2.840.10008.5.1.4.1.1.12.1": "X-Ray Angiographic Image Storage",
    "1.2.840.10008.5.1.4.1.1.12.2": "X-Ray Radiofluoroscopic Image Storage",
    "1.2.840.10008.5.1.4.1.1.77.1.4": "VL Photographic Image Storage",
    "1.2.840.10008.5.1.4.1.1.128": "Positron Emission Tomography Image Storage",
}

XA_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.12.1"
XRF_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.12.2"

_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*", re.ASCII)
_LENIENT_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)


def is_valid_uid(value: str) -> bool:
    """Whether `value` is a UID as PS3.5 section 9.1 writes it: 1 to 64 characters, no component with a leading zero."""
    return 0 < len(value) <= 64 and _UID.fullmatch(value) is not None


def is_usable_uid(value: str) -> bool:
    """Whether `value` can name something: digits and dots, 1 to 64 characters.

    PACS in the field send components with leading zeros; those images exist and must be fetched all the same.
    """
    return 0 < len(value) <= 64 and _LENIENT_UID.fullmatch(value) is not None
