"""What is known of a header from an excerpt is what the whole header says."""

from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from netty.dicom.dataset import NATIVE_SYNTAXES, read_attributes, text
from netty.dicom.part10 import NotPart10
from netty.image.renderable import RenderableImage
from netty.simulator.studies_objects import CR, CT, MG, MR, PET, US, US_MULTIFRAME, XA
from netty.simulator.studies_small import write_study
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.frame_times import frame_times
from netty.workflow.image_attributes import SOP_INSTANCE_UID, read_image
from netty.workflow.image_header import read_header


def native_files() -> list[Path]:
    """The images among pydicom's test files whose pixel data is plain."""
    found = []
    for path in sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm")):
        try:
            _, syntax = locate_data_set(path)
        except NotPart10:
            continue
        if syntax in NATIVE_SYNTAXES:
            found.append(path)
    return found


def both(path: Path) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """The image, its UID and its frames' times by the header as it is read, and by all of its elements."""
    offset, syntax = locate_data_set(path)
    length = path.stat().st_size - offset
    with path.open("rb") as file:
        found = read_header(file, syntax, offset, length)
        whole = read_attributes(file, syntax, offset, length)
    start = whole.pixel_data.offset if whole.pixel_data else 0
    image = read_image(whole, found.length, syntax)
    frames = image.pixels.frames if isinstance(image, RenderableImage) else 1
    return (
        (found.image, found.sop_instance_uid, found.start, frame_times(found.dataset, frames)),
        (image, text(whole.dataset, SOP_INSTANCE_UID), start, frame_times(whole.dataset, frames)),
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", native_files(), ids=lambda path: path.name)
def test_files_of_many_makers(path: Path) -> None:
    found, whole = both(path)

    assert found == whole


@pytest.mark.parametrize("sop_class_uid", [CT, MR, CR, MG, US, US_MULTIFRAME, XA, PET])
def test_each_image_of_a_series_keeps_its_own_uid(sop_class_uid: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, sop_class_uid, instances=3)

    for uid, path in study.instances.items():
        found, whole = both(path)
        assert found == whole
        assert found[1] == uid


def test_a_slice_with_another_window_is_read_anew(tmp_path: Path) -> None:
    """The images of a series are known by what was read of the first only where they say the same."""
    study = write_study(tmp_path, MR, instances=2)
    first, second = study.files
    changed = pydicom.dcmread(second)
    changed.WindowCenter = "77"
    changed.save_as(second)

    (one, *_), (other, *_) = both(first)[0], both(second)[0]  # type: ignore[misc, call-overload]

    assert other.transforms[0].windows[0].center == 77
    assert replace(other, transforms=one.transforms) == one
