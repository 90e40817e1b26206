"""Made projections: chests, breasts, coronary arteries, a swallow of contrast; from 0 (black) to 1 (white)."""

from math import cos, pi, sin

import numpy as np

from netty.simulator.phantoms import Plane, Point, blurred, mottle, paint_ellipse, paint_line, plane, write


def chest_radiograph(rows: int, columns: int, rng: np.random.Generator) -> Plane:
    """A chest from the front, bone white and air black, 0 to 1."""
    image = plane(rows, columns, 0.04)
    paint_ellipse(image, (0, 0.55), (0.93, 1.35), 0.62, soft=0.08)
    paint_ellipse(image, (0, -1.05), (0.28, 0.5), 0.6, soft=0.2)
    for side in (-1, 1):
        paint_ellipse(image, (side * 0.46, -0.02), (0.35, 0.74), 0.2, turn=-side * 0.1, soft=0.13)
    image += 0.02 * mottle(rng, rows, columns, max(2, rows // 60))
    for side in (-1, 1):
        _hilum(image, side, rng)
    paint_ellipse(image, (0, 0), (0.13, 1.2), 0.72, soft=0.35)  # the spine and mediastinum
    paint_ellipse(image, (0.17, 0.32), (0.32, 0.36), 0.7, turn=0.55, soft=0.09)  # the heart
    paint_ellipse(image, (0.13, -0.24), (0.11, 0.1), 0.68, soft=0.12)
    paint_ellipse(image, (-0.4, 1.02), (0.52, 0.36), 0.8, soft=0.05)
    paint_ellipse(image, (0.42, 1.08), (0.5, 0.36), 0.76, soft=0.05)
    paint_ellipse(image, (0, -0.75), (0.05, 0.4), 0.45, soft=0.5, strength=0.8)  # the windpipe
    bones = plane(rows, columns)
    _cage(bones)
    image += 0.11 * blurred(bones, rows / 400)
    for level in range(12):
        at = -1.0 + level * 0.17
        paint_ellipse(image, (0, at), (0.09, 0.06), 0.8, soft=0.5, strength=0.25)
    image += 0.006 * mottle(rng, rows, columns, 1)
    write(image, "DEMO", 1.0, height=0.06)
    write(image, "R", 1.0, at=(-0.9, -0.78), height=0.13)
    return np.clip(image, 0, 1)


def _hilum(image: Plane, side: int, rng: np.random.Generator) -> None:
    """The vessels that fan out from the root of one lung."""
    for index in range(16):
        angle = -1.2 + 2.4 * index / 15 + rng.uniform(-0.1, 0.1)
        length = rng.uniform(0.3, 0.55)
        points: list[Point] = [
            (side * (0.15 + step * length * cos(angle)), 0.02 + step * length * sin(angle) * 1.2)
            for step in (0.0, 0.35, 0.7, 1.0)
        ]
        paint_line(image, points, 0.014, 0.42, soft=2.5, strength=0.55)


def _cage(bones: Plane) -> None:
    """Ribs from behind and from the front, and the collar bones."""
    for index in range(9):
        top = -0.78 + index * 0.17
        reach = 0.45 + 0.4 * sin(pi * min(0.75, (index + 2) / 12))
        for side in (-1, 1):
            back: list[Point] = [
                (side * reach * x, top + 0.1 * sin(pi * x) * -1 + 0.3 * x**3) for x in np.linspace(0.1, 1, 9).tolist()
            ]
            paint_line(bones, back, 0.05, 1, strength=0.8)
            front: list[Point] = [
                (side * reach * (1 - 0.6 * x), top + 0.3 + 0.28 * x) for x in np.linspace(0, 1, 5).tolist()
            ]
            paint_line(bones, front, 0.045, 1, strength=0.35)
    for side in (-1, 1):
        paint_line(bones, [(side * 0.08, -0.66), (side * 0.4, -0.78), (side * 0.78, -0.86)], 0.06, 1.2)


def mammogram(rows: int, columns: int, rng: np.random.Generator, *, left: bool, oblique: bool) -> Plane:
    """One breast, air black, 0 to 1; the chest wall stands at the left edge for a left breast."""
    image = plane(rows, columns)
    wide = columns / min(rows, columns)
    breast = plane(rows, columns)
    paint_ellipse(breast, (-wide, 0.12 if oblique else 0), (1.5, 0.95), 1, soft=0.05)
    fat = 0.2 + 0.03 * mottle(rng, rows, columns, max(2, rows // 20))
    glands = plane(rows, columns)
    for _ in range(60):
        at = (-wide + rng.uniform(0.25, 1.15), rng.uniform(-0.5, 0.5))
        turn = float(np.arctan2(at[1], 1.4 - (at[0] + wide)))
        paint_ellipse(
            glands, at, (rng.uniform(0.1, 0.34), rng.uniform(0.02, 0.09)), 1, turn=-turn, soft=0.9, strength=0.4
        )
    fibres = np.abs(mottle(rng, rows, columns, max(2, rows // 70)))
    image += breast * (fat + glands * (0.34 + 0.1 * mottle(rng, rows, columns, max(2, rows // 40))) + 0.03 * fibres)
    if oblique:
        paint_ellipse(image, (-wide, -1.05), (0.62, 1.1), 0.66, turn=0.45, soft=0.08, strength=0.85)
    paint_ellipse(image, (-wide + 0.62, -0.16), (0.075, 0.06), 0.82, turn=0.6, soft=0.35)
    for _ in range(14):
        at = (-wide + 0.85 + rng.normal(0, 0.03), 0.22 + rng.normal(0, 0.03))
        paint_ellipse(image, at, (0.005, 0.005), 0.95, soft=0.5)
    image += 0.008 * breast * mottle(rng, rows, columns, 1)
    if not left:
        image = np.ascontiguousarray(image[:, ::-1])
    view = f"{'L' if left else 'R'} {'MLO' if oblique else 'CC'}  DEMO"
    write(image, view, 0.9, at=(wide - 0.62 if left else -wide + 0.06, -0.95 * rows / min(rows, columns)), height=0.08)
    return np.clip(image, 0, 1)


def _tree(rng: np.random.Generator) -> list[tuple[list[Point], float, float]]:
    """A coronary tree: branches as points, width, and the share of the run at which contrast reaches them."""
    branches: list[tuple[list[Point], float, float]] = []

    def grow(start: Point, angle: float, width: float, begun: float, depth: int) -> None:
        points = [start]
        for _ in range(7):
            angle += rng.uniform(-0.22, 0.22)
            x, y = points[-1]
            points.append((x + 0.085 * cos(angle), y + 0.085 * sin(angle)))
        branches.append((points, width, begun))
        if depth:
            grow(points[-1], angle + rng.uniform(-0.35, 0.1), width * 0.8, begun + 0.1, depth - 1)
            grow(points[rng.integers(3, 7)], angle + rng.uniform(0.5, 0.9), width * 0.65, begun + 0.08, depth - 1)

    grow((-0.35, -0.5), 0.5, 0.05, 0.1, 3)
    grow((-0.35, -0.5), 1.25, 0.045, 0.1, 2)
    return branches


def angiogram(size: int, frames: int, rng: np.random.Generator) -> list[Plane]:
    """A run of coronary angiography: contrast fills the arteries, the heart beats, the contrast washes out."""
    back = plane(size, size, 0.72)
    paint_ellipse(back, (0.1, 0.1), (0.75, 0.7), 0.58, soft=0.4)
    paint_ellipse(back, (-0.75, 0), (0.2, 1.3), 0.45, soft=0.3)
    for level in range(5):
        paint_line(back, [(-0.9, -0.8 + level * 0.42), (0.9, -0.5 + level * 0.4)], 0.07, 0.5, soft=6, strength=0.35)
    back += 0.02 * mottle(rng, size, size, 12)
    branches = _tree(rng)
    catheter: list[Point] = [(-1, -0.95), (-0.7, -0.85), (-0.45, -0.62), (-0.35, -0.5)]
    pictures = []
    for frame in range(frames):
        at = frame / max(1, frames - 1)
        beat = 0.02 * sin(at * 6 * pi)
        image = back.copy()
        paint_line(image, catheter, 0.02, 0.3)
        for points, width, begun in branches:
            dye = float(np.clip((at - begun) * 6, 0, 1) * np.clip((1.15 - at) * 2.5, 0, 1))
            if dye > 0.02:
                moved: list[Point] = [(x * (1 + beat), y * (1 - beat) + beat) for x, y in points]
                paint_line(image, moved, width, 0.1, soft=1.2, strength=0.8 * dye)
        image += 0.018 * mottle(rng, size, size, 1)
        write(image, "DEMO", 1.0)
        pictures.append(np.clip(image, 0, 1))
    return pictures


def swallow(size: int, frames: int, rng: np.random.Generator) -> list[Plane]:
    """A run of fluoroscopy from the side: a bolus of contrast goes down the gullet."""
    back = plane(size, size, 0.75)
    paint_ellipse(back, (-0.1, -0.6), (0.6, 0.55), 0.5, soft=0.2)
    paint_ellipse(back, (0.15, 0.5), (0.45, 1.0), 0.52, soft=0.2)
    for level in range(7):
        paint_ellipse(back, (0.38, -0.35 + level * 0.22), (0.14, 0.09), 0.3, turn=0.15, soft=0.25)
    paint_line(back, [(-0.12, -0.2), (-0.05, 0.3), (0, 1)], 0.1, 0.72, soft=5)
    paint_line(back, [(-0.7, -0.2), (-0.4, -0.05), (-0.15, -0.12)], 0.1, 0.28, soft=4)
    back += 0.015 * mottle(rng, size, size, 10)
    pictures = []
    for frame in range(frames):
        at = frame / max(1, frames - 1)
        image = back.copy()
        top = -0.65 + 1.5 * at
        for step in range(5):
            x, y = 0.1 + 0.06 * top, top - 0.11 * step
            if y > -0.7:
                paint_ellipse(image, (x, y), (0.08 - 0.008 * step, 0.1), 0.06, soft=0.3, strength=0.9 - 0.12 * step)
        image += 0.02 * mottle(rng, size, size, 1)
        write(image, "DEMO", 1.0)
        pictures.append(np.clip(image, 0, 1))
    return pictures
