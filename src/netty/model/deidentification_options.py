"""The options of the Basic Application Level Confidentiality Profile (PS3.15 section E.3), for the settings too."""

from dataclasses import dataclass
from enum import StrEnum


class RetainDates(StrEnum):
    """Retain Longitudinal Temporal Information (PS3.15 section E.3.6)."""

    REMOVED = "removed"
    FULL = "full"
    MODIFIED = "modified"


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """The options of PS3.15 section E.3 that netty offers; none is on."""

    retain_uids: bool = False
    retain_dates: RetainDates = RetainDates.REMOVED
    clean_descriptors: bool = False
    retain_device_identity: bool = False
    retain_patient_characteristics: bool = False
    retain_safe_private: bool = False
