"""A recipe read back, beside the image and presentation state it was made of: the way to the same picture again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from netty.image.annotation import Annotations, annotations_sha256
from netty.image.colour import Palette
from netty.image.errors import CannotRender
from netty.image.frame_plan import FramePlan
from netty.image.grayscale import GrayscalePlan, GrayscaleTransforms
from netty.image.lookup_table import LookupTable
from netty.image.modality import Modality, Rescale
from netty.image.overlay import DrawnOverlay, Overlay
from netty.image.padding import Padding
from netty.image.recipe import Recipe, pixels_recipe, profile_sha256
from netty.image.renderable import RenderableImage
from netty.image.rendition import RenditionKind
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.shutter import Circle, Polygon, Rectangle, Shape, Shutter
from netty.image.softcopy import PresentationState
from netty.image.spatial import Area, Spatial
from netty.image.subtraction import Subtraction
from netty.image.voi import ValueRange, Voi, VoiLutFunction, Window


@dataclass(frozen=True, slots=True)
class Material:
    """What a recipe only names by checksum, from the image and the presentation state."""

    tables: Mapping[str, LookupTable] = field(default_factory=dict)
    overlays: tuple[Overlay, ...] = ()
    palette: Palette | None = None
    annotations: Annotations = ()
    icc_profile: bytes = b""

    @classmethod
    def of(cls, image: RenderableImage, frame: int, state: PresentationState | None) -> Self:
        """Everything that stands in the two."""
        transforms = [image.transforms_of(frame - 1)]
        tables = []
        overlays = list(image.overlays)
        shutters = [image.shutter]
        if state is not None:
            transforms.append(state.transforms)
            tables += [state.lut] if state.lut else []
            overlays += [each.own for each in state.overlays if each.own]
            shutters.append(state.shutter)
        overlays += [shutter.bitmap for shutter in shutters if shutter and shutter.bitmap]
        tables += [table for each in transforms for table in _tables_of(each)]
        return cls(
            {str(table.as_recipe()["sha256"]): table for table in tables},
            tuple(overlays),
            image.palette,
            state.annotations if state else (),
            image.icc_profile,
        )


def read_recipe(recipe: Mapping[str, Any], image: RenderableImage, state: PresentationState | None = None) -> Recipe:
    """The recipe as values. CannotRender where it is none, or not one of this image and presentation state."""
    plan = read_plan(recipe, image, state)
    try:
        output = recipe["output"]
        return Recipe(
            netty=str(recipe["netty"]),
            plan=plan,
            settings=RenderSettings(RenditionFormat(output["format"]), int(output["quality"])),
            state=state,
            views=tuple(_voi(view, Material.of(image, plan.frame, state)) for view in recipe["views"]),
            passed_through=bool(output.get("passed_through")),
            kind=RenditionKind(output.get("kind", RenditionKind.PICTURE)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(error) from error


def read_plan(recipe: Mapping[str, Any], image: RenderableImage, state: PresentationState | None = None) -> FramePlan:
    """What a recipe, or the part of one that `plan_recipe` makes, says about the picture; errors as of `read_recipe`.

    Greys have 8 bits where it does not say more.
    """
    try:
        named = recipe["presentation_state"]
        if (named or {}).get("sop_instance_uid") != (state.sop_instance_uid if state else None):
            raise CannotRender("The recipe and the presentation state do not belong together.")
        if recipe["pixels"] != pixels_recipe(image.pixels):
            raise CannotRender("The recipe and the image do not belong together.")
        return _read(recipe, image, Material.of(image, int(recipe["frame"]), state))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> CannotRender:
    return CannotRender("The recipe cannot be read: {cause}.", cause=repr(error))


def _read(recipe: Mapping[str, Any], image: RenderableImage, material: Material) -> FramePlan:
    palette, profile = recipe["palette"], recipe["icc_profile"]
    deep = recipe.get("output", {}).get("bits") == 16 and recipe["grayscale"]
    if palette and not (material.palette and material.palette.as_recipe() == palette):
        raise _lacks("palette")
    if recipe["annotations"] and annotations_sha256(material.annotations) != recipe["annotations"]:
        raise _lacks("annotations")
    if profile and profile_sha256(material.icc_profile) != profile:
        raise _lacks("icc_profile")
    return FramePlan(
        frame=int(recipe["frame"]),
        pixels=image.pixels,
        spatial=_spatial(recipe["spatial"]),
        grayscale=_grayscale(recipe["grayscale"], material) if recipe["grayscale"] else None,
        palette=material.palette if palette else None,
        subtraction=_subtraction(recipe["subtraction"]) if recipe["subtraction"] else None,
        overlays=tuple(DrawnOverlay(_overlay(each, material), int(each["grey"])) for each in recipe["overlays"]),
        shutter=_shutter(recipe["shutter"], material) if recipe["shutter"] else None,
        annotations=material.annotations if recipe["annotations"] else (),
        icc_profile=material.icc_profile if profile else b"",
        compression=image.compression,
        grey_bits=16 if deep else 8,
    )


def _lacks(what: str) -> CannotRender:
    return CannotRender("The image has not what its recipe names ({what}).", what=what)


def _tables_of(transforms: GrayscaleTransforms) -> Iterator[LookupTable]:
    if isinstance(transforms.modality, LookupTable):
        yield transforms.modality
    yield from transforms.voi_luts


def _table(stated: Mapping[str, Any], material: Material) -> LookupTable:
    found = material.tables.get(stated["sha256"])
    if found is None:
        raise _lacks("lut")
    return replace(found, first=int(stated["first"]), bits=int(stated["bits"]), explanation=str(stated["explanation"]))


def _modality(stated: Mapping[str, Any] | None, material: Material) -> Modality:
    if stated is None:
        return None
    if stated["kind"] == "lut":
        return _table(stated, material)
    return Rescale(float(stated["slope"]), float(stated["intercept"]), str(stated["units"]))


def _voi(stated: Mapping[str, Any], material: Material) -> Voi:
    match stated["kind"]:
        case "lut":
            return _table(stated, material)
        case "range":
            return ValueRange(float(stated["low"]), float(stated["high"]), str(stated["source"]))
        case _:
            function = VoiLutFunction(stated["function"])
            return Window(float(stated["center"]), float(stated["width"]), function, str(stated["explanation"]))


def _grayscale(stated: Mapping[str, Any], material: Material) -> GrayscalePlan:
    padding, presentation = stated["padding"], stated["presentation"]
    return GrayscalePlan(
        modality=_modality(stated["modality"], material),
        voi=_voi(stated["voi"], material),
        inverted=bool(stated["inverted"]),
        padding=Padding(int(padding["low"]), int(padding["high"])) if padding else None,
        presentation=_table(presentation, material) if presentation else None,
    )


def _subtraction(stated: Mapping[str, Any]) -> Subtraction:
    down, right = (float(number) for number in stated.get("mask_shift", (0, 0)))  # older recipes have none
    return Subtraction(
        tuple(map(int, stated["contrast_frames"])), tuple(map(int, stated["mask_frames"])), (down, right)
    )


def _overlay(stated: Mapping[str, Any], material: Material) -> Overlay:
    numbers = {name: value for name, value in stated.items() if name != "grey"}
    found = next((overlay for overlay in material.overlays if overlay.as_recipe() == numbers), None)
    if found is None:
        raise _lacks("overlay")
    return found


def _shutter(stated: Mapping[str, Any], material: Material) -> Shutter:
    bitmap = stated["bitmap"]
    return Shutter(
        tuple(_shape(each) for each in stated["shapes"]),
        _overlay(bitmap, material) if bitmap else None,
        int(stated["grey"]),
    )


def _shape(stated: Mapping[str, Any]) -> Shape:
    match stated["kind"]:
        case "rectangle":
            return Rectangle(int(stated["left"]), int(stated["right"]), int(stated["upper"]), int(stated["lower"]))
        case "circle":
            return Circle(int(stated["row"]), int(stated["column"]), int(stated["radius"]), float(stated["aspect"]))
        case _:
            return Polygon(tuple((int(row), int(column)) for row, column in stated["vertices"]))


def _spatial(stated: Mapping[str, Any]) -> Spatial:
    left, top, right, bottom = _four(stated["area"])
    rows, columns, rotation = int(stated["rows"]), int(stated["columns"]), int(stated["rotation"])
    size = stated.get("millimetres_per_pixel")
    true_size = float(size) if size else None
    return Spatial(Area(left, top, right, bottom), rows, columns, rotation, bool(stated["flipped"]), true_size)


def _four(numbers: Sequence[Any]) -> tuple[int, int, int, int]:
    one, two, three, four = (int(number) for number in numbers)
    return one, two, three, four
