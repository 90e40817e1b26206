"""A recipe makes the same picture again, by its numbers alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms
from pydicom.dataset import Dataset

from netty.image.errors import CannotRender
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.voi import Window
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from netty.workflow.presentation_states import StateFile, open_state
from support.images import add_overlay, image_attributes, item, state_attributes, write_image, write_state

GREY = np.arange(0, 240, 10, dtype="<u2").reshape(4, 6)
XA = "1.2.840.10008.5.1.4.1.1.12.1"


def lut(entries: list[int], first: int = 0) -> Dataset:
    return item(LUTDescriptor=[len(entries), first, 8], LUTData=np.array(entries, "<u2").tobytes())


def grey(**attributes: Any) -> tuple[Dataset, NDArray[Any]]:
    return image_attributes(GREY, **attributes), GREY


def with_planes() -> tuple[Dataset, NDArray[Any]]:
    dataset = image_attributes(
        GREY,
        WindowCenter=100,
        WindowWidth=200,
        PixelPaddingValue=10,
        ShutterShape=["CIRCULAR", "RECTANGULAR", "POLYGONAL"],
        CenterOfCircularShutter=[2, 3],
        RadiusOfCircularShutter=3,
        ShutterLeftVerticalEdge=1,
        ShutterRightVerticalEdge=5,
        ShutterUpperHorizontalEdge=1,
        ShutterLowerHorizontalEdge=4,
        VerticesOfThePolygonalShutter=[1, 1, 1, 6, 4, 6, 4, 1],
        PixelSpacing=[2, 1],
    )
    add_overlay(dataset, np.eye(3, dtype=np.uint8))
    return dataset, GREY


def palette() -> tuple[Dataset, NDArray[Any]]:
    pixels = (GREY // 40).astype(np.uint8)
    dataset = image_attributes(pixels, PhotometricInterpretation="PALETTE COLOR")
    for number, colour in enumerate((0x00281101, 0x00281102, 0x00281103)):
        dataset.add_new(colour, "US", [6, 0, 16])
        entries = np.roll(np.arange(6) * 0x2000, number).astype("<u2")
        dataset.add_new(colour + 0x100, "OW", entries.tobytes())
    dataset.ICCProfile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return dataset, pixels


def subtracted() -> tuple[Dataset, NDArray[Any]]:
    pixels = np.stack([GREY, GREY // 2, GREY * 2])
    mask = item(MaskOperation="AVG_SUB", MaskFrameNumbers=[1, 2])
    return image_attributes(pixels, SOPClassUID=XA, NumberOfFrames=3, MaskSubtractionSequence=[mask]), pixels


IMAGES = {
    "window": lambda: grey(RescaleSlope=2, RescaleIntercept=-5, WindowCenter=[100, 5], WindowWidth=[300, 9]),
    "sigmoid": lambda: grey(WindowCenter=100, WindowWidth=300, VOILUTFunction="SIGMOID"),
    "min-max": grey,
    "luts": lambda: grey(ModalityLUTSequence=[lut([1, 5, 9], 50)], VOILUTSequence=[lut([7, 9]), lut([0, 99, 255])]),
    "inverse": lambda: grey(PhotometricInterpretation="MONOCHROME1", WindowCenter=100, WindowWidth=300),
    "planes": with_planes,
    "palette": palette,
    "subtraction": subtracted,
}


def written(folder: Path, made: tuple[Dataset, NDArray[Any]]) -> Path:
    dataset, pixels = made
    return write_image(folder / "i", dataset, [np.ascontiguousarray(pixels).tobytes()])


def opened(path: Path, state: StateFile | None = None) -> PictureFile:
    return PictureFile(path, *locate_data_set(path), state=state)


@pytest.mark.parametrize("format", list(RenditionFormat))
@pytest.mark.parametrize("name", IMAGES)
def test_every_rendition_is_made_again_from_its_recipe(tmp_path: Path, name: str, format: RenditionFormat) -> None:
    with opened(written(tmp_path, IMAGES[name]())) as picture:
        for frame in picture.frames:
            rendered = picture.rendered(frame, RenderSettings(format, 77))

            again = picture.followed(json.loads(json.dumps(rendered.recipe)))

            assert (again.data, again.recipe) == (rendered.data, rendered.recipe)


def test_a_wished_window_stands_in_the_recipe(tmp_path: Path) -> None:
    with opened(written(tmp_path, grey(WindowCenter=100, WindowWidth=300))) as picture:
        wished = picture.rendered(1, RenderSettings(), Window(50, 20))

        assert picture.followed(wished.recipe).data == wished.data
        assert picture.rendered(1, RenderSettings()).data != wished.data


def full_state() -> Dataset:
    text = item(AnchorPoint=[2, 2], AnchorPointAnnotationUnits="PIXEL", UnformattedTextValue="A")
    state = state_attributes(
        ModalityLUTSequence=[lut([1, 2, 3, 200], 60)],
        SoftcopyVOILUTSequence=[item(VOILUTSequence=[lut([0, 50, 255], 1)])],
        PresentationLUTSequence=[lut([255, 128, 0])],
        ShutterShape="BITMAP",
        ShutterOverlayGroup=0x6002,
        ShutterPresentationValue=0x7FFF,
        ImageRotation=270,
        ImageHorizontalFlip="Y",
        GraphicAnnotationSequence=[item(GraphicLayer="A", TextObjectSequence=[text])],
    )
    add_overlay(state, np.eye(2, dtype=np.uint8))
    add_overlay(state, np.pad(np.ones((1, 6), np.uint8), ((0, 3), (0, 0))), group=0x6002)
    state.add_new(0x60001001, "CS", "A")
    return state


def test_a_rendition_through_a_presentation_state_is_made_again_with_it(tmp_path: Path) -> None:
    path = written(tmp_path, grey(WindowCenter=100, WindowWidth=300))
    state_path = write_state(tmp_path / "s", full_state())
    with opened(path, open_state(state_path, *locate_data_set(state_path))) as picture:
        rendered = picture.rendered(1, RenderSettings(RenditionFormat.PNG))

        again = picture.followed(json.loads(json.dumps(rendered.recipe)))

    assert (again.data, again.recipe) == (rendered.data, rendered.recipe)
    assert "A" not in json.dumps(rendered.recipe["annotations"])  # text may name a person
    with opened(path) as alone, pytest.raises(CannotRender, match="presentation state do not belong together"):
        alone.followed(rendered.recipe)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"frame": 1, "pixels": {"rows": 1}}, "image do not belong together"),
        ({"spatial": {}}, "cannot be read: KeyError"),
        ({"frame": "one"}, "cannot be read: frame"),
        ({"output": {"format": "gif", "quality": 90}}, "cannot be read: ValueError"),
        ({"overlays": [{"group": "6000", "grey": 255}]}, r"not what its recipe names \(overlay\)"),
        ({"palette": {"red": 1}}, r"\(palette\)"),
        ({"icc_profile": "abc"}, r"\(icc_profile\)"),
        ({"annotations": "abc"}, r"\(annotations\)"),
    ],
)
def test_a_recipe_that_does_not_fit_says_why(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    with opened(written(tmp_path, grey(WindowCenter=100, WindowWidth=300))) as picture:
        recipe = picture.rendered(1, RenderSettings()).recipe | change

        with pytest.raises(CannotRender, match=reason):
            picture.followed(recipe)


def test_a_table_that_the_image_lacks_is_named(tmp_path: Path) -> None:
    with opened(written(tmp_path, IMAGES["luts"]())) as picture:
        recipe = picture.rendered(1, RenderSettings()).recipe
    with opened(written(tmp_path, grey())) as other, pytest.raises(CannotRender, match=r"\(lut\)"):
        other.followed(recipe)
