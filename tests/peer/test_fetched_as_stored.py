"""Studies in Explicit VR and in compressed transfer syntaxes, fetched as they are where the settings allow it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from support import peers
from support.netty_process import RemoteEntry, netty
from support.peers import Peer
from support.ports import free_port

PATIENT = "SYNTAX-1"
# A file of it, and what makes dcmqrscp propose it for its C-STOREs.
SYNTAXES = {
    ExplicitVRLittleEndian: ("MR_small.dcm", "-xe"),
    JPEGBaseline8Bit: ("SC_rgb_jpeg_dcmtk.dcm", "-xy"),
    JPEGLSLossless: ("MR_small_jpeg_ls_lossless.dcm", "-xt"),
    JPEG2000Lossless: ("MR_small_jp2klossless.dcm", "-xv"),
    RLELossless: ("MR_small_RLE.dcm", "-xr"),
}


def _dcmqrscp(folder: Path, file: Path, port: int, option: str) -> AbstractContextManager[Peer]:
    return peers.dcmqrscp(folder, [file], netty_port=port, options=[option])


def _orthanc(folder: Path, file: Path, port: int, option: str) -> AbstractContextManager[Peer]:
    return peers.orthanc(folder, [file], netty_port=port)


PEERS = [
    pytest.param(
        start,
        id=program,
        marks=pytest.mark.skipif(peers.program(program) is None, reason=f"{program} is not installed"),
    )
    for start, program in ((_dcmqrscp, "dcmqrscp"), (_orthanc, "Orthanc"))
]


@pytest.mark.parametrize("start", PEERS)
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name.replace(",", ""))
def test_a_study_is_fetched_as_it_is_stored_where_the_settings_allow_it(
    tmp_path: Path, syntax: pydicom.uid.UID, start: Callable[[Path, Path, int, str], AbstractContextManager[Peer]]
) -> None:
    name, option = SYNTAXES[syntax]
    source = get_testdata_file(name, download=False)
    assert source is not None
    sent = pydicom.dcmread(source)
    sent.PatientID = PATIENT
    file = tmp_path / "image.dcm"
    sent.save_as(file)
    port = free_port()
    receive = f'transfer_syntaxes = ["{syntax}", "{ImplicitVRLittleEndian}"]'
    with (
        start(tmp_path / "peer", file, port, option) as peer,
        netty(
            tmp_path / "netty",
            [RemoteEntry("pacs", peer.title, peer.port)],
            port=port,
            receive=receive,
            more='[keep]\ndicom = "statement"\n',
        ) as one,
    ):
        one.register("person", pacs=PATIENT)
        [retrieval] = one.ok("retrieve", "pacs", "--patient-id", PATIENT, "--wait")["retrievals"]
        [instance] = one.held().values()
        kept = pydicom.dcmread(one.folder / "data" / "blobs" / instance["kept_dicom"])

    assert (retrieval["state"], retrieval["received"], retrieval["rendered"]) == ("complete", 1, 1)
    assert kept.file_meta.TransferSyntaxUID == syntax
    assert kept.PixelData == sent.PixelData
