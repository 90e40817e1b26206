"""Other people's programs against netty's acceptor: DCMTK, GDCM and odil, three implementations that share no code."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from netty.simulator.studies_objects import CT, MR, US_MULTIFRAME
from netty.simulator.studies_small import WrittenStudy, write_study
from netty.workflow.settings import ReceiveSettings
from support import peers
from support.peers import Ran
from support.ports import free_port
from support.raw_peer import EXPLICIT, IMPLICIT, TITLE, Image
from support.receiving import Receiving, receiving
from support.waiting import wait_until

CALLING = "RAW_PACS"
GDCM_ABORTS = "ProtocolStream as nullptr is invalid"
Send = Callable[[int, Sequence[Path]], Ran]


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skip, with the reason, where a program is not installed."""
    return pytest.mark.skipif(
        peers.program(program) is None, reason=f"{program} is not installed (apt install {package})"
    )


def _storescu(*options: str) -> Send:
    return lambda port, files: peers.run(
        "storescu", "-v", "-nh", "-R", *options, "-aec", TITLE, "-aet", CALLING, "127.0.0.1", port, *files
    )


def _dcmsend(port: int, files: Sequence[Path]) -> Ran:
    return peers.dcmsend(port, files, called=TITLE, calling=CALLING)


def _gdcm(port: int, files: Sequence[Path]) -> Ran:
    """It sends one file after the other, each on an association of its own."""
    ran = [
        peers.run("gdcmscu", "--store", "--call", TITLE, "--aetitle", CALLING, "127.0.0.1", port, "-i", file)
        for file in files
    ]
    return Ran(max(each.code for each in ran), "".join(each.output for each in ran))


def _dcmjs(port: int, files: Sequence[Path]) -> Ran:
    """A program of ours around dcmjs-dimse; it asks for an echo first."""
    script = Path(__file__).with_name("dcmjs_sender.cjs")
    return peers.run("node", script, port, TITLE, CALLING, *files)


def _odil(port: int, files: Sequence[Path]) -> Ran:
    return peers.run("odil", "store", "127.0.0.1", port, CALLING, TITLE, *files)


_DCMJS = Path(__file__).with_name("node_modules") / "dcmjs-dimse"
DCMTK, GDCM, ODIL = ("storescu", "dcmtk"), ("gdcmscu", "libgdcm-tools"), ("odil", "odil")
SENDERS = [
    pytest.param(_storescu("-xi"), id="storescu", marks=needs(*DCMTK)),
    pytest.param(_storescu("-xi", "-pdu", "131072"), id="storescu, large PDUs", marks=needs(*DCMTK)),
    pytest.param(_dcmsend, id="dcmsend", marks=needs("dcmsend", "dcmtk")),
    pytest.param(_gdcm, id="gdcmscu", marks=needs(*GDCM)),
    pytest.param(_odil, id="odil", marks=needs(*ODIL)),
    pytest.param(
        _dcmjs,
        id="dcmjs-dimse",
        marks=pytest.mark.skipif(
            not _DCMJS.is_dir() or peers.program("node") is None,
            reason="dcmjs-dimse is not installed (make test does it; or npm ci in tests/interop)",
        ),
    ),
]


def _usable(said: Ran) -> Ran:
    """What a program said; GDCM's network layer (3.0.21 and 3.2.6) aborts before it sends a byte, whoever the peer."""
    if GDCM_ABORTS in said.output:
        pytest.skip("this build of gdcmscu aborts by itself before it sends anything, with DCMTK's storescp too")
    return said


@needs(*GDCM)
@needs(*DCMTK)
def test_where_gdcmscu_aborts_it_does_so_with_others_too(tmp_path: Path) -> None:
    """The reason for skipping it: had netty any part in it, this would fail."""
    port = free_port()
    storescp = peers.program("storescp")
    assert storescp is not None
    with dcmtk_receiver(storescp, port, tmp_path):
        assert peers.echoscu(port, called=TITLE, calling=CALLING).code == 0
        with receiving(tmp_path / "netty") as running:
            said = [
                peers.run("gdcmscu", "--echo", "--call", TITLE, "--aetitle", CALLING, "127.0.0.1", each).output
                for each in (port, running.port)
            ]

    assert (GDCM_ABORTS in said[0]) == (GDCM_ABORTS in said[1])


@contextmanager
def dcmtk_receiver(storescp: str, port: int, folder: Path) -> Iterator[None]:
    """DCMTK's receiver."""
    with subprocess.Popen([storescp, "-od", str(folder), str(port)], stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(
                lambda: peers.echoscu(port, called=TITLE, calling=CALLING).code == 0, 15, "storescp answers", process
            )
            yield
        finally:
            process.terminate()


def _lease(running: Receiving, study: WrittenStudy, sop_class: str) -> None:
    running.open_lease(Image(study.study_instance_uid, "1.2", next(iter(study.instances)), study.patient_id, sop_class))


def _stored(running: Receiving) -> dict[str, dict[str, object]]:
    """The receipts by SOP Instance UID, once each has its row."""
    receipts = {str(receipt["sop_instance_uid"]): receipt for _, receipt in running.spool.sealed()}
    wait_until(lambda: len(running.registered()) == len(receipts), 10, "all is registered")
    return receipts


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Receiving]:
    """The acceptor with its defaults."""
    with receiving(tmp_path / "netty") as started:
        yield started


ECHOES = [
    pytest.param(lambda port: peers.echoscu(port, called=TITLE, calling=CALLING), id="echoscu", marks=needs(*DCMTK)),
    pytest.param(
        lambda port: peers.run("gdcmscu", "--echo", "--call", TITLE, "--aetitle", CALLING, "127.0.0.1", port),
        id="gdcmscu",
        marks=needs(*GDCM),
    ),
    pytest.param(
        lambda port: peers.run("odil", "echo", "127.0.0.1", port, CALLING, TITLE), id="odil", marks=needs(*ODIL)
    ),
]


@pytest.mark.parametrize("echo", ECHOES)
def test_an_echo_is_answered(running: Receiving, echo: Callable[[int], Ran]) -> None:
    said = _usable(echo(running.port))

    assert said.code == 0, said.output
    assert running.ended().ending.value == "released"


@pytest.mark.parametrize("send", SENDERS)
@pytest.mark.parametrize("sop_class", [CT, MR, US_MULTIFRAME])
def test_what_was_asked_for_is_stored_whole(running: Receiving, tmp_path: Path, send: Send, sop_class: str) -> None:
    study = write_study(tmp_path / "files", sop_class, patient_id="INTEROP-1", instances=3)
    _lease(running, study, sop_class)
    said = _usable(send(running.port, [_implicit(path) for path in study.files]))

    assert said.code == 0, said.output
    assert set(_stored(running)) == set(study.instances)
    for name, _ in running.spool.sealed():
        received = pydicom.dcmread(running.spool.path(name))
        sent = pydicom.dcmread(study.instances[str(received.SOPInstanceUID)])
        assert received.PixelData == sent.PixelData
        assert received.file_meta.TransferSyntaxUID == IMPLICIT


def _implicit(path: Path) -> Path:
    """The file in the one transfer syntax that netty takes by default: not every sender converts."""
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    converted = path.with_suffix(".implicit.dcm")
    pydicom.dcmwrite(converted, dataset, implicit_vr=True, little_endian=True)
    return converted


@pytest.mark.parametrize("send", SENDERS)
def test_what_nobody_asked_for_is_told_and_not_kept(running: Receiving, tmp_path: Path, send: Send) -> None:
    study = write_study(tmp_path / "files", CT, patient_id="INTEROP-1", instances=1)
    _usable(send(running.port, [_implicit(path) for path in study.files]))

    assert running.audited() == ["store_discarded"]
    assert not running.spooled()


@needs(*DCMTK)
def test_a_search_at_netty_is_turned_down_and_harms_nobody(running: Receiving) -> None:
    """netty is no Query/Retrieve SCP (table 2): findscu gets no context."""
    keys = ("-k", "0008,0052=STUDY", "-k", "0010,0020=*")
    said = peers.run("findscu", "-v", "-S", *keys, "-aec", TITLE, "-aet", CALLING, "127.0.0.1", running.port)

    assert said.code != 0
    assert "No Acceptable Presentation Contexts" in said.output
    assert peers.echoscu(running.port, called=TITLE, calling=CALLING).code == 0


@needs(*DCMTK)
@pytest.mark.parametrize(("called", "calling"), [("SOMEBODY", CALLING), (TITLE, "STRANGER")])
def test_a_rejection_is_understood(running: Receiving, called: str, calling: str) -> None:
    said = peers.echoscu(running.port, called=called, calling=calling)

    assert said.code != 0
    assert ("Called" if called != TITLE else "Calling") + " AE Title Not Recognized" in said.output


# --- other transfer syntaxes, by setting ---------------------------------------------------------------------------

OTHER_SYNTAXES = {
    "SC_rgb_jpeg_dcmtk.dcm": (JPEGBaseline8Bit, "-xy"),
    "MR_small_jpeg_ls_lossless.dcm": (JPEGLSLossless, "-xt"),
    "MR_small_jp2klossless.dcm": (JPEG2000Lossless, "-xv"),
    "MR_small_RLE.dcm": (RLELossless, "-xr"),
    "MR_small.dcm": (EXPLICIT, "-xe"),
}
# Without odil: it proposes no compressed transfer syntax, whatever its files are in.
SENDERS_AS_IT_IS = [
    pytest.param(lambda option: _storescu(option), id="storescu", marks=needs(*DCMTK)),
    pytest.param(lambda _: _dcmsend, id="dcmsend", marks=needs("dcmsend", "dcmtk")),
    pytest.param(lambda _: _dcmjs, id="dcmjs-dimse", marks=SENDERS[-1].marks),
]


@pytest.mark.parametrize("sender", SENDERS_AS_IT_IS)
@pytest.mark.parametrize("name", OTHER_SYNTAXES)
def test_other_transfer_syntaxes_are_taken_where_the_settings_say_so(
    tmp_path: Path, name: str, sender: Callable[[str], Send]
) -> None:
    syntax, option = OTHER_SYNTAXES[name]
    source = get_testdata_file(name, download=False)
    assert source is not None
    sent = pydicom.dcmread(source)
    settings = ReceiveSettings(transfer_syntaxes=(syntax, IMPLICIT))
    with receiving(tmp_path / "netty", settings) as running:
        running.open_lease(_image_of(sent))
        said = sender(option)(running.port, [Path(source)])
        assert said.code == 0, said.output
        [(spooled, receipt)] = running.spool.sealed()
        received = pydicom.dcmread(running.spool.path(spooled))

    assert receipt["transfer_syntax"] == syntax
    assert _frames(received) == _frames(sent)


def _frames(dataset: pydicom.Dataset) -> list[bytes]:
    """dcmjs-dimse writes a Basic Offset Table anew, so compressed pixel data are compared frame by frame."""
    if dataset.file_meta.TransferSyntaxUID == EXPLICIT:
        return [dataset.PixelData]
    return list(generate_frames(dataset.PixelData, number_of_frames=1))


@needs(*DCMTK)
@pytest.mark.parametrize("name", [name for name, (syntax, _) in OTHER_SYNTAXES.items() if syntax != EXPLICIT])
def test_other_transfer_syntaxes_are_not_accepted_by_default(running: Receiving, name: str) -> None:
    """Table 5: Implicit VR Little Endian, and nothing else."""
    source = get_testdata_file(name, download=False)
    assert source is not None
    running.open_lease(_image_of(pydicom.dcmread(source)))
    said = _storescu(OTHER_SYNTAXES[name][1])(running.port, [Path(source)])

    assert "No presentation context" in said.output or "Failed to send message" in said.output
    assert running.ended().messages == 0
    assert not running.spooled()


def _image_of(dataset: pydicom.Dataset) -> Image:
    return Image(
        str(dataset.StudyInstanceUID),
        str(dataset.SeriesInstanceUID),
        str(dataset.SOPInstanceUID),
        str(dataset.PatientID),
        str(dataset.SOPClassUID),
    )
