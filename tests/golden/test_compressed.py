"""Compressed pictures beside those of DCMTK, GDCM and pydicom: all their decoders agree with ours."""

from pathlib import Path

import pytest

from netty.image.decode import SYNTAXES
from netty.workflow.data_set_place import locate_data_set
from support.comparison import compare_images, files
from support.peers import program

NOT_COMPARED = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "a codestream whose size was overwritten",
    "SC_rgb_rle_32bit.dcm": "colour with 32 bits",
    "SC_rgb_rle_32bit_2frame.dcm": "colour with 32 bits",
    "UN_sequence.dcm": "no pixel data",
    "CT.1.3.12.2.1107.5.1.4.60064.30000022120808113428000016573.dcm": "other programs want its SOP class",
}

pytestmark = pytest.mark.skipif(
    program("dcmj2pnm") is None or program("gdcmconv") is None,
    reason="dcmj2pnm or gdcmconv is not installed (apt install dcmtk libgdcm-tools)",
)


def compressed() -> list[Path]:
    return [path for path in files() if locate_data_set(path)[1] in SYNTAXES and path.name not in NOT_COMPARED]


@pytest.mark.filterwarnings("ignore")  # real files are not spotless
@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in compressed()])
def test_decoders_agree_within_one_step(path: Path) -> None:
    (row,) = compare_images([path])

    assert row.largest is not None, row.verdict
    assert row.ok, row.verdict
