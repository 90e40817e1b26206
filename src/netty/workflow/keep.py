"""Keeping DICOM: what is kept tells nobody who the patient is (statement 4.3.1 (3) b)."""

import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netty.archive.blobs import Blobs
from netty.archive.disk import disk_error
from netty.archive.received import KeptBlob, ToRender
from netty.archive.set_aside import HELD_FOLDER
from netty.archive.spool import Spool
from netty.dicom.errors import DataSetError
from netty.workflow.deflated_files import plain
from netty.workflow.deidentify import DataSet, Deidentifier, Pixels
from netty.workflow.settings import Keep

log = logging.getLogger(__name__)

_MASKED: Final = ".masked"  # not .dcm: the spool does not count them


@dataclass(frozen=True, slots=True)
class Keeper:
    """Writes de-identified files as the settings say; what a person has to look at first goes to the quarantine."""

    spool: Spool
    blobs: Blobs
    deidentifier: Deidentifier

    def remove_remnants(self) -> None:
        """Remove the masked files that a crash left behind; only where no other process renders."""
        for path in self.spool.path("").glob(f"*{_MASKED}"):
            path.unlink(missing_ok=True)

    def pixels_of(self, one: ToRender) -> Pixels:
        """What the settings decide for the pixels of an instance, and so for its renditions."""
        if self.deidentifier.keeps_all_pixels or one.pixels_released or not one.spool_name:
            return Pixels.KEPT  # without a spool file: made anew from kept DICOM, which is masked where it had to be
        try:
            with self._data_set(one) as data_set:
                return self.deidentifier.pixels_of(data_set)
        except DataSetError as error:
            log.warning("keep: instance %d: %s", one.instance_id, error)
            return Pixels.HELD

    def keep(self, one: ToRender) -> KeptBlob | None:
        """The kept file of an instance, safe in the blob store; None where none is to be kept.

        The catalogue goes on knowing the instance by its own UIDs; the file may have others.
        """
        if not one.spool_name or one.kept_blob or (self._keeps_none and self.deidentifier.keeps_all_pixels):
            return None
        try:
            with self._data_set(one) as data_set:
                made = self.deidentifier.deidentified(data_set, pixels_released=one.pixels_released)
                if made.pixels is Pixels.HELD:
                    self._hold(one, made.pieces)
                if made.pixels is Pixels.HELD or self._keeps_none:
                    return None
                key = f"kept/{one.key[:2]}/{one.key}.dcm"
                size, sha256 = self.blobs.put_file(key, made.pieces)
        except DataSetError as error:
            log.warning("keep: instance %d is not kept: %s", one.instance_id, error)
            return None
        self.blobs.sync([key])
        return KeptBlob(key, size, sha256)

    @contextmanager
    def masked(self, one: ToRender) -> Iterator[Path]:
        """A file for the renderer that is masked or cleaned, for as long as the block runs."""
        folder = self.spool.path("")
        with self._data_set(one) as data_set, tempfile.NamedTemporaryFile(suffix=_MASKED, dir=folder) as file:
            for piece in self.deidentifier.for_rendering().deidentified(data_set).pieces:
                file.write(piece)
            file.flush()
            yield Path(file.name)

    @contextmanager
    def kept_file(self, blob_key: str) -> Iterator[Path]:
        """A kept file for the renderer, for as long as the block runs. Raises BlobMissing where it is gone."""
        path = self.blobs.path(blob_key)
        if path is not None and path.is_file():
            yield path
            return
        with tempfile.NamedTemporaryFile(suffix=_MASKED, dir=self.spool.path("")) as file:
            for piece in self.blobs.read(blob_key):
                file.write(piece)
            file.flush()
            yield Path(file.name)

    @property
    def _keeps_none(self) -> bool:
        return self.deidentifier.level is Keep.NONE

    @contextmanager
    def _data_set(self, one: ToRender) -> Iterator[DataSet]:
        """What was received, inflated where it is deflated: what is kept of it is in Explicit VR Little Endian."""
        with self.spool.open_data(one.spool_name) as file:
            named = (one.sop_class_uid, one.sop_instance_uid)
            received = DataSet(file, one.data_offset, one.data_length, one.transfer_syntax, *named)
            with plain(received, self.spool.path("")) as data_set:
                yield data_set

    def _hold(self, one: ToRender, pieces: Iterable[bytes]) -> None:
        """Put the file, its headers de-identified, where a person can look at its pixels."""
        folder = self.spool.quarantined_path(HELD_FOLDER)
        path = folder / f"{one.key}.dcm"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(error, path) from error
        log.warning("keep: instance %d may show the patient in its pixels: held in %s", one.instance_id, path)
