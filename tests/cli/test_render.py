"""``netty render``: pictures of one file, without settings or database."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from support.commands import Netty


def bundled(name: str) -> str:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    return path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_an_image_becomes_a_jpeg(netty: Netty, folder: Path) -> None:
    (rendition,) = netty("render", bundled("CT_small.dcm"), "-o", "a.jpg", "--json").document["renditions"]

    assert (rendition["format"], rendition["frame"], rendition["path"]) == ("jpeg", 1, "a.jpg")
    assert (rendition["width"], rendition["height"]) == (128, 128)
    assert rendition["bytes"] == (folder / "a.jpg").stat().st_size
    assert pixels(folder / "a.jpg").shape == (128, 128)


def test_a_window_is_applied(netty: Netty, folder: Path) -> None:
    netty("render", bundled("CT_small.dcm"), "-o", "wide.png", "--window", "40,4000")
    netty("render", bundled("CT_small.dcm"), "-o", "narrow.png", "--window", "40,40")

    assert len(np.unique(pixels(folder / "narrow.png"))) < len(np.unique(pixels(folder / "wide.png")))


def test_several_frames_get_numbers(netty: Netty, folder: Path) -> None:
    ended = netty("render", bundled("rtdose.dcm"), "-o", "made/dose.png", "--json")

    paths = sorted(path.name for path in (folder / "made").iterdir())
    assert len(ended.document["renditions"]) == len(paths) == 15
    assert (paths[0], paths[-1]) == ("dose-01.png", "dose-15.png")


def test_one_frame_is_chosen_and_a_folder_will_do(netty: Netty, folder: Path) -> None:
    netty("render", bundled("rtdose.dcm"), "-o", folder, "--format", "webp", "--frame", 3)

    assert [path.name for path in folder.glob("*.webp")] == ["rtdose.webp"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("CT_small.dcm", "--frame", "2"), 2, "no frame 2"),
        (("CT_small.dcm", "--window", "40"), 2, "'40' is not a window"),
        (("CT_small.dcm", "--window", "40,0"), 2, "not a window"),
        (("CT_small.dcm", "--window", "nan,1"), 2, "not a window"),
        (("CT_small.dcm", "--quality", "0"), 2, "--quality"),
        (("rtplan.dcm",), 1, "no picture"),
        (("README.txt",), 1, "not a DICOM file"),
    ],
)
def test_what_cannot_be_rendered_is_told(
    netty: Netty, folder: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    name, *options = arguments

    ended = netty("render", bundled(name), "-o", "x.jpg", *options, code=code)

    assert words in ended.stderr
    assert not list(folder.iterdir())


def test_the_file_itself_is_never_overwritten(netty: Netty, folder: Path) -> None:
    file = folder / "image.dcm"
    content = Path(bundled("CT_small.dcm")).read_bytes()
    file.write_bytes(content)

    netty("render", file, "-o", file, code=2)

    assert file.read_bytes() == content
