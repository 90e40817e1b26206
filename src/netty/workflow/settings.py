"""The settings of the sections [receive], [keep], [retrieve] and [search]."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STORAGE_CLASSES, is_valid_uid
from netty.model.deidentification_burned_in import BurnedIn
from netty.model.deidentification_options import ProfileOptions, RetainDates
from netty.model.hours import parse_window
from netty.model.remote import ALWAYS, RetrieveLevel

_FORBID_UNKNOWN: dict[str, Any] = {"extra": "forbid"}


class Unsolicited(StrEnum):
    """What becomes of a C-STORE that no lease admits (statement 4.3.1: answered, and discarded)."""

    DISCARD = "discard"  # 0xC000 with a comment
    DISCARD_SUCCESS = "discard-success"  # 0x0000: a misdirected modality may then delete its only copy
    REFUSE = "refuse"  # 0x0124
    QUARANTINE = "quarantine"


class Unregistered(StrEnum):
    """What a caller that is not registered gets (statement 7.1)."""

    REJECT = "reject"  # A-ASSOCIATE-RJ 1,1,3
    CLOSE = "close"  # closed before anything is read


class Durability(StrEnum):
    """What 0x0000 promises: synced to the disk, or handed to the operating system."""

    FSYNC = "fsync"
    OS = "os"


class Keep(StrEnum):
    """Whether DICOM is kept after rendering, and how it is de-identified."""

    NONE = "none"
    STATEMENT = "statement"  # the statement's list cleared, all else as it came
    BASIC = "basic"  # PS3.15 Basic Application Level Confidentiality Profile


@dataclass(frozen=True, slots=True)
class ReceiveSettings:
    """[receive]. Times are seconds; `idle` 0 means never; `quiet_time` is how long a lease outlives its C-MOVE."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    unsolicited: Unsolicited = Unsolicited.DISCARD
    unregistered: Unregistered = Unregistered.REJECT
    idle: float = 0
    statuses: Literal["statement", "standard"] = "statement"
    warn_changes: bool = False
    transfer_syntaxes: tuple[str, ...] = (IMPLICIT_VR_LITTLE_ENDIAN,)
    sop_classes: Literal["statement"] | tuple[str, ...] = "statement"
    durability: Durability = Durability.FSYNC
    quiet_time: float = 120
    receivers: int = 2
    minimum_free: int = 256 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.idle < 0 or self.quiet_time < 0:
            raise ValueError("a time cannot be negative")
        if not 1 <= self.receivers <= 64:
            raise ValueError("receivers must be 1 to 64")
        for uid in (*self.transfer_syntaxes, *(() if isinstance(self.sop_classes, str) else self.sop_classes)):
            if not is_valid_uid(uid):
                raise ValueError(f"{uid!r} is not a UID")
        if not self.transfer_syntaxes:
            raise ValueError("transfer_syntaxes needs at least one")

    @property
    def accepted_classes(self) -> frozenset[str]:
        """The storage SOP classes that our SCP accepts."""
        return frozenset(STORAGE_CLASSES if isinstance(self.sop_classes, str) else self.sop_classes)


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """[keep]. `masks` is a file, seen from the settings file; what begins with retain or clean is for `basic`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    dicom: Keep = Keep.NONE
    burned_in: BurnedIn = BurnedIn.AUTO
    masks: str = ""
    retain_uids: bool = False
    retain_dates: RetainDates = RetainDates.REMOVED
    clean_descriptors: bool = False
    retain_device_identity: bool = False
    retain_patient_characteristics: bool = False
    retain_safe_private: bool = False

    @property
    def leaves_dicom_alone(self) -> bool:
        """Whether no DICOM object is kept, and none looked into for text in its pixels."""
        return self.dicom is Keep.NONE and self.burned_in in (BurnedIn.AUTO, BurnedIn.KEEP)

    @property
    def options(self) -> ProfileOptions:
        """The options of the profile."""
        return ProfileOptions(
            retain_uids=self.retain_uids,
            retain_dates=self.retain_dates,
            clean_descriptors=self.clean_descriptors,
            retain_device_identity=self.retain_device_identity,
            retain_patient_characteristics=self.retain_patient_characteristics,
            retain_safe_private=self.retain_safe_private,
        )


@dataclass(frozen=True, slots=True)
class RetrieveSettings:
    """[retrieve]. The statement retrieves by study only."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    levels: tuple[RetrieveLevel, ...] = (RetrieveLevel.STUDY,)

    def __post_init__(self) -> None:
        if RetrieveLevel.STUDY not in self.levels:
            raise ValueError('levels must contain "study"')


_EVERY = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """[search]: the automatic search. `pace` is associations per second and remote, `every` like ``30m``."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    pace: float = 1
    every: str = "30m"
    hours: tuple[str, ...] = field(default=ALWAYS)

    def __post_init__(self) -> None:
        if not self.pace > 0:
            raise ValueError("pace must be more than 0")
        if not _EVERY.fullmatch(self.every.strip()) or self.every_seconds < 1:
            raise ValueError("every must be a number and a unit: 90s, 30m, 6h or 1d")
        for window in self.hours:
            parse_window(window)

    @property
    def every_seconds(self) -> int:
        """The pause between two sweeps."""
        match = _EVERY.fullmatch(self.every.strip())
        assert match is not None
        return int(match[1]) * _SECONDS[match[2]]
