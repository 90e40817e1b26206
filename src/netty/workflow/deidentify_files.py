"""De-identifying DICOM files of a person's own, outside the catalogue."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from netty.dicom.part10 import (
    HEAD_SIZE,
    MEDIA_STORAGE_SOP_CLASS_UID,
    MEDIA_STORAGE_SOP_INSTANCE_UID,
    NotPart10,
    Part10Head,
    split_part10,
)
from netty.errors import PeerError
from netty.workflow.deflated_files import plain
from netty.workflow.deidentify import DataSet, Deidentifier, Pixels

_DIRECTORY: Final = "1.2.840.10008.1.3.10"  # a DICOMDIR tells where files lie; it means nothing without them


class FileFate(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    MASKED = "masked"
    HELD_BACK = "held_back"  # its pixels may show the patient: not written
    BROKEN = "broken"  # not written: its data set cannot be read to its end
    SKIPPED = "skipped"  # no DICOM, or a DICOMDIR


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """One file; `target` is None where none was written."""

    source: Path
    target: Path | None
    fate: FileFate
    problem: PeerError | None = None


def deidentify_file(deidentifier: Deidentifier, source: Path, target: Path) -> FileOutcome:
    """Write the de-identified file to `target`, whole or not at all."""
    with source.open("rb") as file:
        try:
            head = split_part10(file.read(HEAD_SIZE))
        except NotPart10 as error:
            return FileOutcome(source, None, FileFate.SKIPPED, error)
        if head.uid(MEDIA_STORAGE_SOP_CLASS_UID) == _DIRECTORY:
            return FileOutcome(source, None, FileFate.SKIPPED)
        try:
            with plain(_data_set(file, head)) as data_set:
                made = deidentifier.deidentified(data_set)
                if made.pixels is Pixels.HELD:
                    return FileOutcome(source, None, FileFate.HELD_BACK)
                _write(target, made.pieces)
        except PeerError as error:
            return FileOutcome(source, None, FileFate.BROKEN, error)
    fate = FileFate.MASKED if made.pixels is Pixels.MASKED else FileFate.WRITTEN
    return FileOutcome(source, target, fate)


def deidentify_folder(deidentifier: Deidentifier, folder: Path, out: Path) -> Iterator[FileOutcome]:
    """Every file below `folder` into `out`, under numbers: names of files and folders often name patients."""
    number = 0
    for source in sorted(path for path in folder.rglob("*") if path.is_file()):
        outcome = deidentify_file(deidentifier, source, out / f"{number + 1:06d}.dcm")
        number += outcome.target is not None
        yield outcome


def _data_set(file: BinaryIO, head: Part10Head) -> DataSet:
    return DataSet(
        file,
        head.data_set_offset,
        os.fstat(file.fileno()).st_size - head.data_set_offset,
        head.transfer_syntax,
        sop_class_uid=head.uid(MEDIA_STORAGE_SOP_CLASS_UID),
        sop_instance_uid=head.uid(MEDIA_STORAGE_SOP_INSTANCE_UID),
    )


def _write(target: Path, pieces: Iterator[bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
