"""Presentation states read and seen through: PS3.3 A.33.1, PS3.4 N.2."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from netty.image.annotation import AnnotationLayer, Graphic, GraphicType, Justification, Text, Units
from netty.image.flags import Flag
from netty.image.settings import RenderSettings, RenditionFormat
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile, render_frames
from netty.workflow.presentation_states import NotAPresentationState, Reference, StateFile, open_state, references_of
from netty.workflow.render_job import render_job
from netty.workflow.rendered import RenderedFile, rendered_of
from support.images import (
    add_overlay,
    image_attributes,
    item,
    made_image,
    referring,
    state_attributes,
    write_image,
    write_state,
)

PNG = RenderSettings(RenditionFormat.PNG)
PIXELS = np.array([[0, 50, 100], [150, 200, 250]], np.uint8)


def seen(folder: Path, state: Dataset, pixels: NDArray[Any] = PIXELS, **image: Any) -> list[RenderedFile]:
    """The image as it is seen through the state."""
    path, state_path = made_image(folder / "i", pixels, **image), write_state(folder / "s", state)
    place = locate_data_set(path)
    return list(render_frames(path, *place, PNG, state=open_state(state_path, *locate_data_set(state_path))))


def opened(rendered: RenderedFile) -> Any:
    return np.asarray(Image.open(io.BytesIO(rendered.data))).tolist()


def softcopy_voi(**attributes: Any) -> dict[str, Any]:
    return {"SoftcopyVOILUTSequence": [item(**attributes)]}


def lut(entries: list[int], first: int = 0, bits: int = 8) -> Dataset:
    return item(LUTDescriptor=[len(entries), first, bits], LUTData=np.array(entries, "<u2").tobytes())


def area(**attributes: Any) -> dict[str, Any]:
    stated = {
        "DisplayedAreaTopLeftHandCorner": [1, 1],
        "DisplayedAreaBottomRightHandCorner": [3, 2],
        "PresentationSizeMode": "SCALE TO FIT",
        "PresentationPixelAspectRatio": [1, 1],
    }
    return {"DisplayedAreaSelectionSequence": [item(**(stated | attributes))]}


def test_what_is_absent_is_the_identity_and_not_the_images_own(tmp_path: Path) -> None:
    """PS3.4 N.2: rescale, window, photometric interpretation, aspect, overlay and shutter of the image do not count."""
    (rendered,) = seen(
        tmp_path,
        state_attributes(),
        RescaleSlope=2,
        RescaleIntercept=-100,
        WindowCenter=10,
        WindowWidth=3,
        PhotometricInterpretation="MONOCHROME1",
        PixelSpacing=[2, 1],
        ShutterShape="CIRCULAR",
        CenterOfCircularShutter=[1, 1],
        RadiusOfCircularShutter=1,
    )

    assert opened(rendered) == PIXELS.tolist()
    assert rendered.window == "0 .. 255"
    assert rendered.recipe["presentation_state"] == {"sop_instance_uid": "2.25.9", "label": "TEST"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"PresentationLUTShape": "INVERSE"}, [[255, 205, 155], [105, 55, 5]]),
        (softcopy_voi(WindowCenter="100.5", WindowWidth="101"), [[0, 0, 128], [255, 255, 255]]),
        (
            {"RescaleSlope": 2, "RescaleIntercept": 0} | softcopy_voi(WindowCenter="250.5", WindowWidth="501"),
            [[0, 51, 102], [153, 204, 255]],
        ),
        ({"RescaleSlope": 2, "RescaleIntercept": 0}, [[0, 50, 100], [150, 200, 250]]),  # its whole range is shown
        ({"ModalityLUTSequence": [lut([0, 255], first=99)]}, [[0, 0, 255], [255, 255, 255]]),
        (softcopy_voi(VOILUTSequence=[lut([10, 20, 30], first=50)]), [[10, 10, 30], [30, 30, 30]]),
        (
            {"PresentationLUTShape": None, "PresentationLUTSequence": [lut([255, 100, 0], bits=8)]},
            [[255, 255, 100], [100, 0, 0]],  # 0, 0.39, 0.78, 1.18, 1.57 and 1.96 of the entries 0 to 2
        ),
    ],
)
def test_its_own_transforms_are_applied(tmp_path: Path, attributes: dict[str, Any], expected: list[list[int]]) -> None:
    stated = {name: value for name, value in attributes.items() if value is not None}

    (rendered,) = seen(tmp_path, state_attributes(**stated))

    assert opened(rendered) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"ImageRotation": 90, "ImageHorizontalFlip": "N"}, [[150, 0], [200, 50], [250, 100]]),
        ({"ImageRotation": 90, "ImageHorizontalFlip": "Y"}, [[0, 150], [50, 200], [100, 250]]),
        (
            area(DisplayedAreaTopLeftHandCorner=[2, 1], DisplayedAreaBottomRightHandCorner=[3, 1]),
            [[50, 100]],
        ),
        (
            # C.10.4: the corners are named as they are seen, so that turning by 180 degrees swaps them.
            {"ImageRotation": 180, "ImageHorizontalFlip": "N"}
            | area(DisplayedAreaTopLeftHandCorner=[3, 2], DisplayedAreaBottomRightHandCorner=[2, 1]),
            [[250, 200], [100, 50]],
        ),
        (area(DisplayedAreaTopLeftHandCorner=[0, 0]), [[0] * 4, [0, 0, 50, 100], [0, 150, 200, 250]]),
    ],
)
def test_area_rotation_and_flip(tmp_path: Path, attributes: dict[str, Any], expected: list[list[int]]) -> None:
    (rendered,) = seen(tmp_path, state_attributes(**attributes))

    assert opened(rendered) == expected


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        (area(PresentationPixelAspectRatio=[2, 1]), (3, 4)),
        (area(PresentationPixelAspectRatio=None, PresentationPixelSpacing=["0.5", "0.25"]), (3, 4)),
        (area(PresentationSizeMode="MAGNIFY", PresentationPixelMagnificationRatio=4.0), (12, 8)),
        (area(PresentationPixelMagnificationRatio=4.0), (3, 2)),
        (area(PresentationSizeMode="TRUE SIZE"), (3, 2)),
    ],
)
def test_the_size_of_the_picture(tmp_path: Path, attributes: dict[str, Any], size: tuple[int, int]) -> None:
    (rendered,) = seen(tmp_path, state_attributes(**attributes))

    assert (rendered.width, rendered.height) == size


@pytest.mark.parametrize(
    ("spacing", "size", "millimetres"),
    [
        (["0.5", "0.5"], (3, 2), 0.5),
        (["0.5", "0.25"], (3, 4), 0.25),  # square pixels of the finer of both
        (["0.25", "0.5"], (6, 2), 0.25),
        (None, (3, 2), None),
    ],
)
def test_c_10_4_true_size_is_left_to_the_display_and_said(
    tmp_path: Path, spacing: list[str] | None, size: tuple[int, int], millimetres: float | None
) -> None:
    """A file has pixels and no millimetres: those are in the recipe, for who can show them."""
    stated = area(PresentationSizeMode="TRUE SIZE")
    if spacing:
        stated = area(
            PresentationSizeMode="TRUE SIZE", PresentationPixelAspectRatio=None, PresentationPixelSpacing=spacing
        )
    (rendered,) = seen(tmp_path, state_attributes(**stated))

    assert (rendered.width, rendered.height) == size
    assert rendered.recipe["spatial"]["millimetres_per_pixel"] == millimetres
    assert rendered.flags == (Flag.TRUE_SIZE,)


def test_other_size_modes_have_no_millimetres(tmp_path: Path) -> None:
    (rendered,) = seen(tmp_path, state_attributes(**area(PresentationSizeMode="SCALE TO FIT")))

    assert rendered.recipe["spatial"]["millimetres_per_pixel"] is None
    assert rendered.flags == ()


def test_an_area_without_end_is_not_followed(tmp_path: Path) -> None:
    endless = area(
        DisplayedAreaTopLeftHandCorner=[-(2**31), -(2**31)], DisplayedAreaBottomRightHandCorner=[2**31 - 1, 2**31 - 1]
    )

    (rendered,) = seen(tmp_path, state_attributes(**endless))

    assert opened(rendered) == PIXELS.tolist()
    assert rendered.flags == (Flag.AREA_IGNORED,)


LAYERS = {
    "GraphicLayerSequence": [
        item(GraphicLayer="TOP", GraphicLayerOrder=2, GraphicLayerRecommendedDisplayGrayscaleValue=0xFFFF),
        item(GraphicLayer="LOW", GraphicLayerOrder=1, GraphicLayerRecommendedDisplayGrayscaleValue=0),
    ]
}


def test_overlays_are_shown_where_a_layer_is_given_to_them(tmp_path: Path) -> None:
    """C.11.7: the image's overlay 6002 is activated, its 6004 is not; 6000 is the state's own, in a higher layer."""
    state = state_attributes(**LAYERS)
    add_overlay(state, np.array([[0, 1, 0], [0, 0, 0]]))
    state.add_new(0x60001001, "CS", "TOP")
    state.add_new(0x60021001, "CS", "LOW")
    dataset = Dataset()
    add_overlay(dataset, np.array([[1, 1, 0], [0, 0, 0]]), group=0x6002)
    add_overlay(dataset, np.array([[0, 0, 0], [1, 1, 1]]), group=0x6004)
    path = made_image_with(tmp_path / "i", dataset)
    state_path = write_state(tmp_path / "s", state)

    with PictureFile(path, *locate_data_set(path), state=opened_state(state_path)) as picture:
        drawn = picture.drawn(1)

    assert drawn.pixels.tolist() == [[0, 255, 100], [150, 200, 250]]
    assert [(each.overlay.group, each.grey) for each in drawn.plan.overlays] == [(0x6002, 0), (0x6000, 255)]


def opened_state(path: Path) -> StateFile:
    return open_state(path, *locate_data_set(path))


def made_image_with(path: Path, more: Dataset) -> Path:
    dataset = image_attributes(PIXELS)
    dataset.update(more)
    return write_image(path, dataset, [PIXELS.tobytes()])


def test_shutters_of_shapes_and_of_a_bitmap(tmp_path: Path) -> None:
    shapes = state_attributes(
        ShutterShape="RECTANGULAR",
        ShutterLeftVerticalEdge=2,
        ShutterRightVerticalEdge=3,
        ShutterUpperHorizontalEdge=1,
        ShutterLowerHorizontalEdge=2,
        ShutterPresentationValue=0x8080,
    )
    bitmap = state_attributes(ShutterShape="BITMAP", ShutterOverlayGroup=0x6000, ShutterPresentationValue=0)
    add_overlay(bitmap, np.array([[0, 1, 1], [0, 0, 0]]))

    assert opened(seen(tmp_path, shapes)[0]) == [[128, 50, 100], [128, 200, 250]]
    assert opened(seen(tmp_path, bitmap)[0]) == [[0, 0, 0], [150, 200, 250]]


def test_a_mask_and_its_own_window_are_for_the_difference(tmp_path: Path) -> None:
    frames = np.array([[[10, 20]], [[14, 20]]], np.uint8)
    state = state_attributes(
        referring(frames=[2]),
        MaskSubtractionSequence=[item(MaskOperation="AVG_SUB", MaskFrameNumbers=[1])],
        RecommendedViewingMode="SUB",
        **softcopy_voi(WindowCenter="0.5", WindowWidth="11"),
    )

    (rendered,) = seen(tmp_path, state, frames, NumberOfFrames=2)

    assert rendered.frame == 2
    assert opened(rendered) == [[230, 128]]  # (4 + 5) / 10 and (0 + 5) / 10 of 255


def test_items_are_for_the_images_and_frames_that_they_name(tmp_path: Path) -> None:
    frames = np.array([[[0, 100]], [[0, 100]], [[0, 100]]], np.uint8)
    state = state_attributes(
        SoftcopyVOILUTSequence=[
            item(ReferencedImageSequence=[referring("2.25.77")], WindowCenter="1", WindowWidth="2"),
            item(ReferencedImageSequence=[referring(frames=[2])], WindowCenter="100.5", WindowWidth="201"),
            item(ReferencedImageSequence=[referring(frames=[3])], WindowCenter="200.5", WindowWidth="401"),
        ]
    )

    assert [opened(frame) for frame in seen(tmp_path, state, frames, NumberOfFrames=3)] == [
        [[0, 100]],
        [[0, 128]],
        [[0, 64]],
    ]


def test_the_references_of_c_11_11() -> None:
    state = state_attributes(referring(), referring("2.25.2", frames=[1, 3]))

    assert references_of(state) == (Reference("2.25.3", "2.25.1"), Reference("2.25.3", "2.25.2", (1, 3)))


def test_only_images_that_are_referred_to_are_seen_through_it(tmp_path: Path) -> None:
    with pytest.raises(NotAPresentationState, match="does not refer to this image"):
        seen(tmp_path, state_attributes(referring("2.25.4")))


def test_a_file_that_is_no_presentation_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAPresentationState, match="is none"):
        opened_state(made_image(tmp_path / "i", PIXELS))


def test_an_image_in_colour_keeps_its_colours_and_says_so(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0] = (200, 0, 0)

    (rendered,) = seen(tmp_path, state_attributes(ImageRotation=180), pixels, PhotometricInterpretation="RGB")

    assert opened(rendered)[1][1] == [200, 0, 0]
    assert Flag.STATE_ON_COLOUR in rendered.flags


def annotated(**attributes: Any) -> Dataset:
    return state_attributes(
        SpecificCharacterSet=["", "ISO 2022 IR 87"], GraphicAnnotationSequence=[item(**attributes)], **LAYERS
    )


def test_annotations_are_read_in_the_order_of_their_layers(tmp_path: Path) -> None:
    written = item(
        BoundingBoxAnnotationUnits="DISPLAY",
        BoundingBoxTopLeftHandCorner=[0.25, 0.5],
        BoundingBoxBottomRightHandCorner=[0.75, 1.0],
        BoundingBoxTextHorizontalJustification="CENTER",
        AnchorPoint=[1.5, 0.5],
        AnchorPointAnnotationUnits="PIXEL",
        AnchorPointVisibility="Y",
        UnformattedTextValue="左股関節 FRACTURE?",
    )
    circle = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=2,
        GraphicData=[1.5, 1.5, 2.5, 1.5],
        GraphicType="CIRCLE",
        GraphicFilled="N",
    )
    state = annotated(GraphicLayer="TOP", TextObjectSequence=[written])
    state.GraphicAnnotationSequence.append(item(GraphicLayer="LOW", GraphicObjectSequence=[circle]))
    path = made_image(tmp_path / "i", PIXELS)
    place = locate_data_set(path)

    with PictureFile(path, *place, state=opened_state(write_state(tmp_path / "s", state))) as picture:
        plan = picture.drawn(1).plan

    text = Text(
        "左股関節 FRACTURE?",
        ((0.25, 0.5), (0.75, 1.0)),
        Units.DISPLAY,
        Justification.CENTER,
        (1.5, 0.5),
        Units.PIXEL,
        True,
    )
    assert plan.annotations == (
        AnnotationLayer(0, (Graphic(GraphicType.CIRCLE, Units.PIXEL, ((1.5, 1.5), (2.5, 1.5))),)),
        AnnotationLayer(255, texts=(text,)),
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"GraphicType": "MULTILINE", "GraphicData": [1, 1, 2, 2]},
        {"GraphicType": "ELLIPSE", "GraphicData": [1, 1, 2, 2]},
        {"GraphicType": "POLYLINE", "GraphicData": []},
        {"GraphicType": "POINT", "GraphicData": [1, 1], "GraphicAnnotationUnits": "MATRIX"},
    ],
)
def test_graphics_that_cannot_be_drawn_are_flagged(tmp_path: Path, broken: dict[str, Any]) -> None:
    state = annotated(GraphicObjectSequence=[item(**({"GraphicAnnotationUnits": "PIXEL"} | broken))])

    (rendered,) = seen(tmp_path, state)

    assert rendered.flags == (Flag.ANNOTATIONS_NOT_DRAWN,)
    assert opened(rendered) == PIXELS.tolist()


COMPOUND = {
    "CompoundGraphicInstanceID": 7,
    "CompoundGraphicUnits": "PIXEL",
    "GraphicDimensions": 2,
    "NumberOfGraphicPoints": 2,
    "GraphicData": [1.0, 1.0, 3.0, 1.0],
    "CompoundGraphicType": "RULER",
}
SIMPLE = {
    "GraphicAnnotationUnits": "PIXEL",
    "GraphicDimensions": 2,
    "NumberOfGraphicPoints": 2,
    "GraphicData": [1.0, 1.0, 3.0, 1.0],
    "GraphicType": "POLYLINE",
    "GraphicFilled": "N",
}


@pytest.mark.parametrize("apart", [False, True])
def test_c_10_5_1_3_1_of_a_compound_graphic_its_simple_rendering_is_drawn(tmp_path: Path, apart: bool) -> None:
    """The standard demands one of every sender, for viewers that do not draw the compound graphic itself."""
    simple, compound = item(CompoundGraphicInstanceID=7, **SIMPLE), item(**COMPOUND)
    if apart:
        state = annotated(CompoundGraphicSequence=[compound])
        state.GraphicAnnotationSequence.append(item(GraphicLayer="LOW", GraphicObjectSequence=[simple]))
    else:
        state = annotated(CompoundGraphicSequence=[compound], GraphicObjectSequence=[simple])

    (rendered,) = seen(tmp_path, state)

    assert rendered.flags == ()
    assert opened(rendered) != PIXELS.tolist()


@pytest.mark.parametrize("number", [None, 8])
def test_a_compound_graphic_without_a_simple_rendering_is_flagged(tmp_path: Path, number: int | None) -> None:
    other = item(**SIMPLE, **({"CompoundGraphicInstanceID": number} if number else {}))
    state = annotated(CompoundGraphicSequence=[item(**COMPOUND)], GraphicObjectSequence=[other])

    (rendered,) = seen(tmp_path, state)

    assert rendered.flags == (Flag.ANNOTATIONS_NOT_DRAWN,)


def test_a_job_may_name_a_presentation_state(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", PIXELS)
    state = write_state(tmp_path / "s", state_attributes(PresentationLUTShape="INVERSE"))
    offset, transfer_syntax = locate_data_set(path)
    state_offset, _ = locate_data_set(state)
    job = {
        "path": str(path),
        "offset": offset,
        "transfer_syntax": transfer_syntax,
        "format": "png",
        "quality": 90,
        "presentation_state": {
            "path": str(state),
            "offset": state_offset,
            "transfer_syntax": transfer_syntax,
            "length": state.stat().st_size - state_offset,
        },
    }

    _, (header, data) = render_job(job)

    assert opened(rendered_of(header, data))[0] == [255, 205, 155]
