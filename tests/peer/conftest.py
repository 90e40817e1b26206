"""Both peers for the tests beside: DCMTK's dcmqrscp and Orthanc, each skipped, with the reason, where it is absent."""

from pathlib import Path

import pytest

from support import peers
from support.dicom_files import DicomFile, thirteen_classes

PROGRAMS = {
    "dcmqrscp": ("dcmqrscp", "apt install dcmtk", peers.dcmqrscp),
    "orthanc": ("Orthanc", "apt install orthanc", peers.orthanc),
}


@pytest.fixture(scope="module", params=sorted(PROGRAMS))
def peer_kind(request: pytest.FixtureRequest) -> peers.PeerKind:
    """Each peer in turn."""
    program, advice, start = PROGRAMS[request.param]
    if peers.program(program) is None:
        pytest.skip(f"{program} is not installed ({advice})")
    if peers.program("echoscu") is None or peers.program("storescu") is None:
        pytest.skip("DCMTK is not installed (apt install dcmtk)")
    return peers.PeerKind(request.param, start)


@pytest.fixture(scope="session")
def real_files(tmp_path_factory: pytest.TempPathFactory) -> list[DicomFile]:
    """Files of all thirteen classes."""
    return thirteen_classes(Path(tmp_path_factory.mktemp("real")))
