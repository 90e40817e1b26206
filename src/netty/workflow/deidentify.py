"""De-identifying one DICOM file: what is known of it before, what the settings decide, and the new file in pieces."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO, Final, Self

from netty.dicom import uids
from netty.dicom.clear import Cleared
from netty.dicom.deidentify_facts import FLOAT_PIXEL_DATA, TopLevel, top_level
from netty.dicom.deidentify_pixels import PixelLayout, Region, both, masked, only_stored_bits
from netty.dicom.errors import DataSetError
from netty.dicom.part10 import file_meta
from netty.dicom.plain_elements import UNDEFINED
from netty.dicom.splice import spliced
from netty.dicom.splice_policy import Decision, Element, Filtered, Level, Pieces, Policy, Written
from netty.dicom.tags import (
    BURNED_IN_ANNOTATION,
    COLUMNS,
    IMAGE_TYPE,
    PATIENT_ID,
    PIXEL_DATA,
    ROWS,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
)
from netty.model.deidentification import STATEMENT_LEVEL
from netty.model.deidentification_basic import BasicProfile
from netty.model.deidentification_burned_in import BurnedIn, Mask, Shown, may_show_identity, regions_of
from netty.model.deidentification_values import Pseudonyms
from netty.network.settings import AeSettings
from netty.workflow.deidentify_key import site_key
from netty.workflow.deidentify_masks import load_masks
from netty.workflow.settings import Keep, KeepSettings

_MANUFACTURER: Final = 0x00080070
_MODEL: Final = 0x00081090
_SAMPLES: Final = 0x00280002
_PHOTOMETRIC_INTERPRETATION: Final = 0x00280004
_PLANAR_CONFIGURATION: Final = 0x00280006
_BITS_ALLOCATED: Final = 0x00280100
_BITS_STORED: Final = 0x00280101
_HIGH_BIT: Final = 0x00280102
_PIXEL_REPRESENTATION: Final = 0x00280103
_WANTED: Final = frozenset(
    {SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID, PATIENT_ID, IMAGE_TYPE, BURNED_IN_ANNOTATION, ROWS, COLUMNS}
    | {_MANUFACTURER, _MODEL, _SAMPLES, _PHOTOMETRIC_INTERPRETATION, _PLANAR_CONFIGURATION}
    | {_BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT, _PIXEL_REPRESENTATION}
)
_MASKED_METHOD: Final = "netty statement level: regions of the pixels blanked"
# Deflated ones are inflated before they come here (deflated_files.py).
_UNREADABLE: Final = frozenset(
    {uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_BIG_ENDIAN}
)  # see `deflated_files`


class Pixels(Enum):
    """What becomes of an image for its pixels' sake."""

    KEPT = auto()
    CLEANED = auto()  # the profile removes overlays and annotations, so the renditions show none either
    MASKED = auto()
    HELD = auto()  # a person has to look at it first


@dataclass(frozen=True, slots=True)
class DataSet:
    """Where a data set lies in an open file, and which instance the file's head says it is."""

    file: BinaryIO
    offset: int
    length: int
    transfer_syntax: str
    sop_class_uid: str = ""
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A file without the patient, to be written: read `pieces` to the end while the source is open."""

    pieces: Iterator[bytes]
    sop_instance_uid: str
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Deidentifier:
    """One level with its options, the site's key and its masks."""

    level: Keep
    settings: KeepSettings
    pseudonyms: Pseudonyms | None
    masks: tuple[Mask, ...]
    ae: AeSettings

    @classmethod
    def of(cls, settings: KeepSettings, key_folder: Path, base_folder: Path, ae: AeSettings) -> Self:
        """As [keep] says; paths of the settings are seen from `base_folder`.

        Raises:
            SettingsError: where the masks are wrong.
            LocalError: where the key cannot be read or made.
        """
        pseudonyms = Pseudonyms(site_key(key_folder)) if settings.dicom is Keep.BASIC else None
        return cls.with_pseudonyms(settings, pseudonyms, base_folder, ae)

    @classmethod
    def with_pseudonyms(
        cls, settings: KeepSettings, pseudonyms: Pseudonyms | None, base_folder: Path, ae: AeSettings
    ) -> Self:
        """With a key that is at hand."""
        masks = load_masks(base_folder / Path(settings.masks).expanduser()) if settings.masks else ()
        return cls(settings.dicom, settings, pseudonyms, masks, ae)

    def deidentified(self, data_set: DataSet, *, pixels_released: bool = False) -> Deidentified:
        """The file to be kept.

        Args:
            pixels_released: a person has looked at the pixels, and they do not tell who the patient is.

        Raises:
            DataSetError: where the data set cannot be read to its end.
        """
        facts = self._facts(data_set)
        pixels, regions = (Pixels.KEPT, ()) if pixels_released else self._decided(facts)
        policy, sop_instance_uid = self._policy(facts, pixels, regions, pixels_released)
        head = self._head(data_set, facts, sop_instance_uid)
        body = spliced(data_set.file, data_set.offset, data_set.length, explicit=_is_explicit(data_set), policy=policy)
        return Deidentified(_whole(head, body), sop_instance_uid, pixels)

    def for_rendering(self) -> Self:
        """The same with the UIDs left alone: a copy that is only drawn has to find what belongs together."""
        return replace(self, settings=replace(self.settings, retain_uids=True))

    def pixels_of(self, data_set: DataSet) -> Pixels:
        """What the settings decide for the pixels of an image, and so for its renditions."""
        return self._decided(self._facts(data_set))[0]

    @property
    def burned_in(self) -> BurnedIn:
        """What is done with an image that may show who the patient is."""
        if self.settings.burned_in is not BurnedIn.AUTO:
            return self.settings.burned_in
        return BurnedIn.QUARANTINE if self.level is Keep.BASIC else BurnedIn.KEEP

    @property
    def keeps_all_pixels(self) -> bool:
        """Whether no image has to be looked into."""
        return self.burned_in is BurnedIn.KEEP

    def _facts(self, data_set: DataSet) -> TopLevel:
        explicit = _is_explicit(data_set)
        return top_level(data_set.file, data_set.offset, data_set.length, explicit=explicit, wanted=_WANTED)

    def _head(self, data_set: DataSet, facts: TopLevel, sop_instance_uid: str) -> bytes:
        """The file's head, made anew (PS3.10 section 7.1).

        Where UIDs stay it names the instance as the head before did, if there was one (table E.1-1 has those elements
        in its rows, with the option Retain UIDs); where they do not, nothing of that head is repeated.
        """
        stays = self.pseudonyms is None or self.settings.retain_uids
        before = (data_set.sop_class_uid, data_set.sop_instance_uid) if stays else ("", "")
        return file_meta(
            _uid(before[0], facts.text(SOP_CLASS_UID)),
            _uid(before[1], sop_instance_uid),
            data_set.transfer_syntax,
            implementation_class_uid=self.ae.implementation_class_uid,
            implementation_version_name=self.ae.implementation_version_name,
        )

    def _decided(self, facts: TopLevel) -> tuple[Pixels, tuple[Region, ...]]:
        """What is done with the pixels, and the regions to blank."""
        if self.keeps_all_pixels:
            return Pixels.KEPT, ()
        if facts.has_graphics and self.level is not Keep.BASIC:  # the profile removes overlays and annotations
            return Pixels.HELD, ()
        image = _shown(facts)
        if not may_show_identity(image):
            return (Pixels.CLEANED if facts.has_graphics else Pixels.KEPT), ()
        regions = regions_of(self.masks, image) if self.burned_in is BurnedIn.MASK else None
        if regions is None or not _is_native(facts) or not _layout(facts).is_maskable:
            return Pixels.HELD, ()
        return Pixels.MASKED, regions

    def _policy(
        self, facts: TopLevel, pixels: Pixels, regions: tuple[Region, ...], pixels_released: bool
    ) -> tuple[Policy, str]:
        """The policy, and the SOP Instance UID that it makes."""
        blank = masked(_layout(facts), regions) if pixels is Pixels.MASKED else None
        sop_instance_uid = facts.text(SOP_INSTANCE_UID)
        if self.pseudonyms is None:
            method = STATEMENT_LEVEL.method if blank is None else f"{STATEMENT_LEVEL.method}\\{_MASKED_METHOD}"
            cleared = Cleared(STATEMENT_LEVEL.decisions, method)
            return cleared if blank is None else _WithMask(cleared, blank), sop_instance_uid
        if facts.has_embedded_overlay and _is_native(facts):
            blank = both(only_stored_bits(_layout(facts)), blank)
        profile = BasicProfile(
            options=self.settings.options,
            pseudonyms=self.pseudonyms,
            sop_class_uid=facts.text(SOP_CLASS_UID),
            patient=facts.text(PATIENT_ID) or facts.text(STUDY_INSTANCE_UID),
            identity_removed=pixels is Pixels.MASKED or pixels_released or not may_show_identity(_shown(facts)),
            pixels_cleaned=pixels is Pixels.MASKED,
            pixels=blank,
        )
        if self.settings.retain_uids or not sop_instance_uid:
            return profile, sop_instance_uid
        return profile, self.pseudonyms.uids(sop_instance_uid.encode("latin-1")).decode("latin-1").strip("\0")


@dataclass(frozen=True, slots=True)
class _WithMask:
    """A policy, with regions of the pixel data blanked. It does not say (0028,0301) NO: that is for `basic`."""

    inner: Policy
    pixels: Pieces

    @property
    def written(self) -> tuple[Written, ...]:
        return self.inner.written

    def decide(self, element: Element, level: Level) -> Decision:
        if element.tag == PIXEL_DATA and level.depth == 0:
            return Filtered(self.pixels)
        return self.inner.decide(element, level)


def _whole(head: bytes, body: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from body


def _uid(*candidates: str) -> str:
    """The first that is one, else nothing: a text that is no UID might name somebody."""
    return next((each for each in candidates if uids.is_usable_uid(each)), "")


def _is_explicit(data_set: DataSet) -> bool:
    syntax = data_set.transfer_syntax
    if syntax in _UNREADABLE:
        raise DataSetError("netty does not de-identify data sets in transfer syntax {syntax}.", syntax=syntax)
    return syntax != uids.IMPLICIT_VR_LITTLE_ENDIAN


def _is_native(facts: TopLevel) -> bool:
    return facts.lengths.get(PIXEL_DATA, UNDEFINED) != UNDEFINED


def _shown(facts: TopLevel) -> Shown:
    return Shown(
        sop_class_uid=facts.text(SOP_CLASS_UID),
        burned_in_annotation=facts.text(BURNED_IN_ANNOTATION),
        image_type=facts.text(IMAGE_TYPE),
        manufacturer=facts.text(_MANUFACTURER),
        model=facts.text(_MODEL),
        rows=facts.number(ROWS),
        columns=facts.number(COLUMNS),
        has_pixels=not facts.tags.isdisjoint({PIXEL_DATA, *FLOAT_PIXEL_DATA}),
    )


def _layout(facts: TopLevel) -> PixelLayout:
    allocated = facts.number(_BITS_ALLOCATED, 8)
    stored = facts.number(_BITS_STORED, allocated)
    return PixelLayout(
        rows=facts.number(ROWS),
        columns=facts.number(COLUMNS),
        samples=facts.number(_SAMPLES, 1),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=facts.number(_HIGH_BIT, stored - 1),
        is_signed=facts.number(_PIXEL_REPRESENTATION) == 1,
        by_plane=facts.number(_PLANAR_CONFIGURATION) == 1,
        photometric_interpretation=facts.text(_PHOTOMETRIC_INTERPRETATION),
    )
