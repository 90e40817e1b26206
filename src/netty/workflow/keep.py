"""Keeping DICOM: what is kept tells nobody who the patient is (statement 4.3.1 (3) b)."""

from collections.abc import Iterator

from netty.archive.blobs import Blobs
from netty.archive.received import KeptBlob, ToRender
from netty.archive.spool import Spool
from netty.dicom.clear import cleared
from netty.dicom.part10 import file_meta
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN
from netty.model.deidentification import STATEMENT_LEVEL
from netty.network.settings import AeSettings


def keep_file(spool: Spool, blobs: Blobs, one: ToRender, ae: AeSettings) -> KeptBlob:
    """Write the de-identified file of an instance into the blob store, and return when it is safe there.

    The identifying elements are empty at every level; all other values are byte for byte as they were received. The
    head of the file is new: it does not say who sent it.
    """
    key = f"kept/{one.key[:2]}/{one.key}.dcm"
    size, sha256 = blobs.put_file(key, _pieces(spool, one, ae))
    blobs.sync([key])
    return KeptBlob(key, size, sha256)


def _pieces(spool: Spool, one: ToRender, ae: AeSettings) -> Iterator[bytes]:
    yield file_meta(
        one.sop_class_uid,
        one.sop_instance_uid,
        one.transfer_syntax,
        implementation_class_uid=ae.implementation_class_uid,
        implementation_version_name=ae.implementation_version_name,
    )
    with spool.open_data(one.spool_name) as file:
        yield from cleared(
            file,
            one.data_offset,
            one.data_length,
            explicit=one.transfer_syntax != IMPLICIT_VR_LITTLE_ENDIAN,
            tags=STATEMENT_LEVEL.emptied.keys(),
            method=STATEMENT_LEVEL.method,
        )
