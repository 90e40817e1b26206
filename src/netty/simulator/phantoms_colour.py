"""Made pictures in colour and of ultrasound, as bytes: (rows, columns, 3)."""

from math import pi, sin
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netty.simulator.phantoms import Plane, Point, blurred, lettering, mottle, paint_ellipse, paint_line, plane

Bytes: TypeAlias = NDArray[np.uint8]


def as_bytes(image: Plane) -> Bytes:
    """0 to 1 as 0 to 255."""
    return (np.clip(image, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)


def _stacked(red: Plane, green: Plane, blue: Plane) -> Bytes:
    return np.stack([as_bytes(red), as_bytes(green), as_bytes(blue)], axis=-1)


def _marked(picture: Bytes, text: str, at: Point, height: float, colour: tuple[int, int, int]) -> Bytes:
    """The picture with coloured lettering."""
    cover = lettering(picture.shape[0], picture.shape[1], text, at, height)[..., None]
    inked = picture + (np.asarray(colour, dtype=np.float32) - picture) * cover
    return inked.astype(np.uint8)


def sector(rows: int, columns: int) -> tuple[Plane, Plane]:
    """The fan of a convex probe: how deep each pixel lies (0 to 1), and 1 inside the fan."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    x = (x - columns / 2) / rows
    y = y / rows + np.float32(0.12)
    depth = (np.hypot(x, y) - np.float32(0.2)) / np.float32(0.85)
    angle = np.abs(np.arctan2(x, y))
    inside = np.clip((0.62 - angle) * 90, 0, 1) * np.clip(depth * 120, 0, 1) * np.clip((1 - depth) * 120, 0, 1)
    return depth, inside.astype(np.float32)


def echo_plane(rows: int, columns: int, rng: np.random.Generator, beat: float = 0.0) -> Plane:
    """A four-chamber view of a heart, 0 to 1; `beat` from -1 to 1 squeezes the chambers."""
    depth, fan = sector(rows, columns)
    tissue = plane(rows, columns, 0.42)
    size = 1 + 0.13 * beat
    paint_ellipse(tissue, (0, 0.12), (0.62, 0.72), 0.62, soft=0.12)
    chambers = ((-0.24, -0.12, 0.2, 0.34), (0.24, -0.1, 0.18, 0.33), (-0.22, 0.5, 0.19, 0.2), (0.22, 0.5, 0.18, 0.2))
    for x, y, across, down in chambers:
        paint_ellipse(tissue, (x, y), (across * size, down * size), 0.04, turn=-x * 0.4, soft=0.18)
    leaf = 0.1 * (beat + 1) / 2
    for side in (-1, 1):
        paint_line(tissue, [(side * 0.42, 0.24), (side * 0.24, 0.26 + leaf)], 0.025, 0.95)
        paint_line(tissue, [(side * 0.06, 0.24), (side * 0.2, 0.26 + leaf)], 0.025, 0.95)
    speckle = np.abs(mottle(rng, rows, columns, 2) + 0.6 * mottle(rng, rows, columns, 3))
    image = tissue * (0.35 + 0.6 * speckle) * np.clip(1.15 - 0.55 * depth, 0, 2)
    return np.asarray(np.clip(image, 0, 1) * fan, dtype=np.float32)


def doppler_still(rows: int, columns: int, rng: np.random.Generator) -> Bytes:
    """An echocardiogram with a colour Doppler box, its colour bar and lettering."""
    grey = echo_plane(rows, columns, rng, 0.4)
    flow = plane(rows, columns)
    paint_ellipse(flow, (-0.22, 0.2), (0.11, 0.34), 1, turn=0.1, soft=0.5)
    paint_ellipse(flow, (0.22, 0.32), (0.09, 0.26), -0.9, turn=-0.1, soft=0.5)
    flow *= np.clip(0.85 + 0.35 * mottle(rng, rows, columns, 6), 0, 1.2)
    toward, away = np.clip(flow, 0, 1), np.clip(-flow, 0, 1)
    shown = 1 - np.clip(toward + away, 0, 1)
    picture = _stacked(
        grey * shown + toward, grey * shown + toward**3 * 0.85 + away**3 * 0.7, grey * shown + away + toward**6 * 0.3
    )
    bar = np.linspace(1, -1, rows // 3)[:, None].repeat(max(6, columns // 40), axis=1)
    up, down = np.clip(bar, 0, 1), np.clip(-bar, 0, 1)
    colours = np.stack([up, up**3 * 0.85 + down**3 * 0.7, down], axis=-1)
    left = columns - columns // 12
    picture[rows // 10 : rows // 10 + bar.shape[0], left : left + bar.shape[1]] = (colours * 255).astype(np.uint8)
    edge = columns / min(rows, columns)
    picture = _marked(picture, "DEMO  4CH  2.5 MHz", (-edge + 0.04, -0.97), 0.09, (255, 214, 64))
    return _marked(picture, "+62\n\n\n\n-62 cm/s", (edge - 0.5, -0.8), 0.07, (220, 220, 220))


def cine(rows: int, columns: int, frames: int, rng: np.random.Generator) -> list[Bytes]:
    """Beats of the heart."""
    edge = columns / min(rows, columns)
    pictures = []
    for frame in range(frames):
        beat = sin(2 * pi * frame / max(1, frames) * 2)
        grey = echo_plane(rows, columns, rng, beat)
        picture = _stacked(grey * 0.98, grey * 0.94, grey * 0.8)
        picture = _marked(picture, "DEMO", (-edge + 0.04, -0.97), 0.1, (255, 214, 64))
        trace = rows - rows // 12 - round(rows / 14 * max(0.0, beat) ** 6)
        at = int(columns * (0.1 + 0.8 * frame / max(1, frames)))
        picture[trace : trace + 3, at : at + 6] = (80, 255, 120)
        pictures.append(picture)
    return pictures


def skin_photograph(rows: int, columns: int, rng: np.random.Generator) -> Bytes:
    """A photograph of skin with a mole and a ruler."""
    light = 1 + 0.07 * mottle(rng, rows, columns, max(2, rows // 3))
    pores = 0.02 * mottle(rng, rows, columns, 3) + 0.025 * mottle(rng, rows, columns, 14)
    spots = plane(rows, columns)
    for _ in range(50):
        at = (rng.uniform(-1.3, 1.3), rng.uniform(-1, 1))
        paint_ellipse(spots, at, (rng.uniform(0.005, 0.025),) * 2, 1, soft=0.9, strength=rng.uniform(0.1, 0.4))
    mole = plane(rows, columns)
    paint_ellipse(mole, (0.05, -0.05), (0.27, 0.21), 1, turn=0.4, soft=0.25)
    paint_ellipse(mole, (0.2, 0.05), (0.16, 0.14), 1, turn=0.1, soft=0.3)
    mole = np.clip(mole * (0.85 + 0.18 * mottle(rng, rows, columns, max(2, rows // 30))), 0, 1)
    channels = [
        (tone + pores) * light * (1 - spots * fade) * (1 - mole) + mole * dark
        for tone, fade, dark in ((0.87, 0.3, 0.3), (0.68, 0.42, 0.18), (0.57, 0.5, 0.13))
    ]
    picture = _stacked(*channels)
    ruler = slice(rows - rows // 8, rows)
    picture[ruler] = (238, 236, 228)
    for tick in range(0, columns, max(4, columns // 80)):
        long = rows // 20 if (tick // max(4, columns // 80)) % 10 == 0 else rows // 40
        picture[rows - rows // 8 : rows - rows // 8 + long, tick : tick + 2] = (30, 30, 30)
    edge = columns / min(rows, columns)
    return _marked(picture, "DEMO", (-edge + 0.05, -0.96), 0.1, (70, 40, 30))


def report_capture(rows: int, columns: int, title: str, lines: tuple[str, ...]) -> Bytes:
    """A screen of text and a chart, as workstations capture them."""
    picture = np.full((rows, columns, 3), (24, 30, 42), dtype=np.uint8)
    picture[: rows // 9] = (36, 84, 132)
    edge = columns / min(rows, columns)
    picture = _marked(picture, title, (-edge + 0.06, -0.96), 0.11, (255, 255, 255))
    for index, line in enumerate(lines):
        picture = _marked(picture, line, (-edge + 0.08, -0.66 + index * 0.15), 0.085, (214, 222, 232))
    chart = plane(rows, columns)
    curve: list[Point] = [(x, 0.62 - 0.55 * float(np.exp(-((x + 0.1) ** 2) * 6))) for x in np.linspace(-1, 1, 60)]
    paint_line(chart, curve, 0.02, 1)
    axes: list[Point] = [(-1.02, 0.0), (-1.02, 0.68), (1.05, 0.68)]
    inked = picture + (np.asarray((255, 176, 64), dtype=np.float32) - picture) * chart[..., None]
    ruled = plane(rows, columns)
    paint_line(ruled, axes, 0.012, 1, soft=0.5)
    return np.asarray(inked + (np.float32(170) - inked) * ruled[..., None], dtype=np.uint8)


def uptake_map(rows: int, columns: int, rng: np.random.Generator) -> Bytes:
    """Indices into a palette of 256: a map of perfusion over a heart's polar plot."""
    image = plane(rows, columns)
    for ring in range(5):
        paint_ellipse(image, (0, 0), (0.86 - 0.17 * ring,) * 2, 0.92 - 0.05 * ring, soft=0.02)
    paint_ellipse(image, (-0.38, 0.34), (0.34, 0.26), 0.28, turn=0.7, soft=0.8)
    image *= 1 + 0.05 * mottle(rng, rows, columns, max(2, rows // 12))
    image = blurred(image, rows / 130)
    cover = lettering(rows, columns, "DEMO", (-0.96, -0.96), 0.12)
    return as_bytes(np.clip(image, 0, 0.99) * (1 - cover) + cover)


def heat_palette() -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]:
    """Red, green and blue of 256 colours from black over blue, red and yellow to white, in 16 bits."""
    at = np.linspace(0, 1, 256)
    stops = (0.0, 0.25, 0.5, 0.75, 1.0)
    tables = ((0, 0.25, 0.85, 1, 1), (0, 0.05, 0.15, 0.75, 1), (0, 0.6, 0.25, 0.1, 1))
    red, green, blue = ((np.interp(at, stops, table) * 65535).astype(np.uint16) for table in tables)
    return red, green, blue


def to_ybr_full(rgb: NDArray[Any]) -> NDArray[np.uint8]:
    """RGB, last axis, as YBR_FULL (PS3.3 C.7.6.3.1.2)."""
    table = np.asarray(
        [[0.299, -0.168736, 0.5], [0.587, -0.331264, -0.418688], [0.114, 0.5, -0.081312]], dtype=np.float32
    )
    offset = np.asarray([0, 128, 128], dtype=np.float32)
    return np.asarray(np.clip(np.rint(rgb.astype(np.float32) @ table + offset), 0, 255), dtype=np.uint8)
