"""What lies in a simulated hospital's folder: the headers of its DICOM files, read once."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.errors import InvalidDicomError

from netty.dicom import tags
from netty.dicom.elements import text_value
from netty.dicom.part10 import HEAD_SIZE, split_part10
from netty.dicom.uids import is_usable_uid
from netty.errors import NettyError

STUDY_TAGS: Final = (
    tags.SPECIFIC_CHARACTER_SET,
    tags.STUDY_DATE,
    tags.STUDY_TIME,
    tags.ACCESSION_NUMBER,
    tags.STUDY_DESCRIPTION,
    tags.PATIENT_NAME,
    tags.PATIENT_ID,
    tags.PATIENT_BIRTH_DATE,
    tags.PATIENT_SEX,
    tags.STUDY_INSTANCE_UID,
    tags.STUDY_ID,
)
SERIES_TAGS: Final = (
    tags.SPECIFIC_CHARACTER_SET,
    tags.MODALITY,
    tags.SERIES_DESCRIPTION,
    tags.SERIES_INSTANCE_UID,
    tags.SERIES_NUMBER,
)
IMAGE_TAGS: Final = (
    tags.SPECIFIC_CHARACTER_SET,
    tags.SOP_CLASS_UID,
    tags.SOP_INSTANCE_UID,
    tags.INSTANCE_NUMBER,
    tags.NUMBER_OF_FRAMES,
)
_TAGS: Final = sorted({*STUDY_TAGS, *SERIES_TAGS, *IMAGE_TAGS})
_NEEDED: Final = {
    tags.SOP_CLASS_UID: "SOP Class UID",
    tags.SOP_INSTANCE_UID: "SOP Instance UID",
    tags.STUDY_INSTANCE_UID: "Study Instance UID",
    tags.SERIES_INSTANCE_UID: "Series Instance UID",
}


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """One DICOM file: where it is, how it is encoded, and its values as they stand in it."""

    path: Path
    transfer_syntax: str
    data_set_offset: int
    values: Mapping[int, bytes]

    def uid(self, tag: int) -> str:
        """A UID without its padding."""
        return text_value(self.values.get(tag))

    @property
    def sop_class_uid(self) -> str:
        """SOP Class UID."""
        return self.uid(tags.SOP_CLASS_UID)

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID."""
        return self.uid(tags.SOP_INSTANCE_UID)

    @property
    def series_instance_uid(self) -> str:
        """Series Instance UID."""
        return self.uid(tags.SERIES_INSTANCE_UID)

    @property
    def study_instance_uid(self) -> str:
        """Study Instance UID."""
        return self.uid(tags.STUDY_INSTANCE_UID)


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not served, and why."""

    path: Path
    reason: str


Groups = Mapping[str, Sequence[StoredInstance]]


@dataclass(frozen=True, slots=True)
class Index:
    """The instances of a folder, each SOP Instance UID once, in the order of the paths."""

    instances: tuple[StoredInstance, ...] = ()
    problems: tuple[Problem, ...] = ()
    _groups: dict[int, Groups] = field(default_factory=dict, init=False, repr=False, compare=False)

    def grouped(self, tag: int) -> Groups:
        """UID -> instances, for the UID of one level; made at the first question, for an index never changes."""
        groups = self._groups.get(tag)
        if groups is None:
            groups = self._groups[tag] = grouped(self.instances, tag)
        return groups

    def entities(self, tag: int, above: Mapping[int, str]) -> Groups:
        """UID -> instances at one level, of what belongs to all the named entities above it."""
        if not above:
            return self.grouped(tag)
        *higher, (nearest, uid) = above.items()
        instances: Iterable[StoredInstance] = self.grouped(nearest).get(uid, ())
        for each, uid in higher:
            instances = matching(instances, each, frozenset({uid}))
        return grouped(instances, tag)


def read_folder(folder: Path) -> Index:
    """Every file below `folder`, hidden ones aside; what cannot be served is a problem with a name, not an error."""
    instances: dict[str, StoredInstance] = {}
    problems: list[Problem] = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            instance = read_instance(path)
        except (NettyError, InvalidDicomError, OSError, ValueError, EOFError, KeyError, NotImplementedError) as error:
            problems.append(Problem(path, str(error) or type(error).__name__))
            continue
        other = instances.setdefault(instance.sop_instance_uid, instance)
        if other is not instance:
            problems.append(Problem(path, f"It has the SOP Instance UID of {other.path}."))
    return Index(tuple(instances.values()), tuple(problems))


def read_instance(path: Path) -> StoredInstance:
    """The header of one file.

    Raises:
        NettyError, ValueError, OSError, pydicom's errors: saying why it cannot be served.
    """
    with path.open("rb") as file:
        head = split_part10(file.read(HEAD_SIZE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values that pydicom does not like are sent as they are
        data_set = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
    values = {tag: _raw(data_set.get_item(tag)) for tag in _TAGS if tag in data_set}
    for tag, name in _NEEDED.items():
        if not is_usable_uid(text_value(values.get(tag))):
            raise ValueError(f"It has no usable {name}.")
    return StoredInstance(path, head.transfer_syntax, head.data_set_offset, values)


def _raw(element: RawDataElement | DataElement | None) -> bytes:
    """A value as it stands in the file: what pydicom has not touched."""
    if isinstance(element, RawDataElement):
        return element.value or b""
    return str(element.value).encode("latin-1", "replace") if element is not None and element.value else b""


def grouped(instances: Iterable[StoredInstance], tag: int) -> dict[str, list[StoredInstance]]:
    """UID -> instances, in the order in which they come."""
    groups: dict[str, list[StoredInstance]] = {}
    for instance in instances:
        groups.setdefault(instance.uid(tag), []).append(instance)
    return groups


def matching(instances: Iterable[StoredInstance], tag: int, uids: frozenset[str]) -> list[StoredInstance]:
    """The instances whose UID of one level is among `uids`."""
    return [instance for instance in instances if instance.uid(tag) in uids]
