"""Made sections through a body: CT in Hounsfield units, MR in grey values, PET in becquerel per millilitre."""

from math import atan2, cos, pi, sin

import numpy as np

from netty.simulator.phantoms import Plane, mottle, paint_ellipse, paint_line, plane, write

_AIR, _LUNG, _FAT, _WATER, _MUSCLE, _CONTRAST, _BONE = -1000.0, -830.0, -95.0, 8.0, 52.0, 190.0, 620.0  # HU


def _torso(size: int) -> Plane:
    image = plane(size, size, _AIR)
    paint_ellipse(image, (0, 0.66), (0.95, 0.05), -650, soft=0.15)  # the table
    paint_ellipse(image, (0, 0), (0.88, 0.62), _FAT, soft=0.01)
    paint_ellipse(image, (0, 0.0), (0.81, 0.55), _MUSCLE, soft=0.02)
    return image


def _spine(image: Plane, at: float) -> None:
    paint_ellipse(image, (0, 0.34), (0.13, 0.1), _BONE * 0.55, soft=0.1)
    paint_ellipse(image, (0, 0.34), (0.105, 0.078), _BONE * 0.35, soft=0.15)
    for side in (-1, 1):
        paint_line(image, [(side * 0.06, 0.44), (side * 0.17, 0.47)], 0.045, _BONE * 0.8)
    paint_line(image, [(0, 0.5), (0, 0.56 + 0.02 * sin(at * 40))], 0.04, _BONE * 0.8)
    paint_ellipse(image, (0, 0.455), (0.055, 0.045), 25, soft=0.1)


def _ribs(image: Plane, at: float) -> None:
    for index in range(9):
        angle = pi * (0.08 + 0.84 * index / 8) + 0.12 * sin(at * 22)
        for side in (-1, 1):
            place = (side * 0.79 * sin(angle), -0.52 * cos(angle))
            turn = atan2(0.52 * sin(angle), side * 0.79 * cos(angle))  # along the chest wall
            paint_ellipse(image, place, (0.085, 0.024), _BONE, turn=turn, soft=0.25)


def _lung_vessels(image: Plane, rng: np.random.Generator, openness: float) -> None:
    for _ in range(46):
        side = rng.choice((-1, 1))
        angle, distance = rng.uniform(0, 2 * pi), rng.uniform(0.1, 0.85)
        at = (side * (0.44 + 0.25 * openness * distance * cos(angle)), 0.36 * openness * distance * sin(angle))
        size = 0.022 * (1.1 - distance)
        paint_ellipse(image, at, (size * rng.uniform(1, 2.2), size), 20, turn=rng.uniform(0, pi), soft=0.4)


def chest_ct(size: int, at: float, rng: np.random.Generator) -> Plane:
    """An axial section of the chest in HU; `at` runs from 0 (the apex of the lungs) to 1 (the dome of the liver)."""
    image = _torso(size)
    openness = 0.45 + 0.55 * sin(pi * min(0.85, 0.15 + at))
    for side in (-1, 1):
        paint_ellipse(image, (side * 0.43, -0.02), (0.31 * openness, 0.45 * openness), _LUNG, turn=side * 0.12)
    lungs = image < _LUNG + 60
    lungs &= image > _LUNG - 60
    image[lungs] += 26 * mottle(rng, size, size, 9)[lungs]
    _lung_vessels(image, rng, openness)
    paint_ellipse(image, (0, -0.02), (0.17, 0.3), _MUSCLE - 25, soft=0.2)  # the mediastinum
    heart = max(0.0, sin(pi * min(1.0, max(0.0, (at - 0.35) / 0.6))))
    if heart > 0.05:
        paint_ellipse(image, (0.15, -0.12), (0.32 * heart, 0.27 * heart), _MUSCLE, turn=0.5, soft=0.05)
        paint_ellipse(image, (0.22, -0.09), (0.15 * heart, 0.11 * heart), _CONTRAST, turn=0.5, soft=0.15)
        paint_ellipse(image, (0.02, -0.16), (0.13 * heart, 0.12 * heart), _CONTRAST * 0.9, soft=0.15)
    else:
        paint_ellipse(image, (-0.1, -0.16), (0.07, 0.065), _CONTRAST, soft=0.1)
        paint_ellipse(image, (0.07, -0.22), (0.1, 0.07), _CONTRAST * 1.05, turn=0.7, soft=0.1)
    paint_ellipse(image, (0.12, 0.25), (0.075, 0.075), _CONTRAST, soft=0.08)  # the descending aorta
    if at < 0.5:
        paint_ellipse(image, (-0.01, 0.06), (0.055, 0.06), _AIR, soft=0.1)
    else:
        for side in (-1, 1):
            paint_ellipse(image, (side * (0.05 + 0.2 * (at - 0.5)), 0.08), (0.035, 0.04), _AIR, soft=0.1)
    if at > 0.8:
        paint_ellipse(image, (-0.36, -0.05), (0.34 * (at - 0.6) * 2.2, 0.3), 68, soft=0.05)
    nodule = max(0.0, 1 - abs(at - 0.42) * 12)
    if nodule:
        paint_ellipse(image, (-0.52, -0.14), (0.05 * nodule + 0.005, 0.045 * nodule + 0.005), 38, soft=0.3)
    _ribs(image, at)
    _spine(image, at)
    image += 9 * mottle(rng, size, size, 2) + 7 * mottle(rng, size, size, 1)
    write(image, "DEMO", 700)
    return image


def abdomen_ct(size: int, at: float, rng: np.random.Generator) -> Plane:
    """An axial section of the upper abdomen in HU; `at` runs from 0 (liver) to 1 (below the kidneys)."""
    image = _torso(size)
    paint_ellipse(image, (0, -0.04), (0.72, 0.44), _FAT + 15, soft=0.03)
    liver = max(0.12, 1 - 0.9 * at)
    paint_ellipse(image, (-0.3, -0.1), (0.42 * liver, 0.36 * liver**0.5), 108, turn=-0.15, soft=0.03)
    paint_ellipse(image, (-0.33, -0.05), (0.05 * liver, 0.04), _WATER + 20, soft=0.3)
    paint_ellipse(image, (0.3, -0.2), (0.27 * (1 - 0.5 * at), 0.17), 30, turn=0.4, soft=0.05)
    paint_ellipse(image, (0.33, -0.26), (0.16 * (1 - 0.5 * at), 0.05), _AIR, turn=0.1, soft=0.1)
    paint_ellipse(image, (0.57, 0.1), (0.13, 0.19 * max(0.2, 1 - at)), 122, turn=-0.3, soft=0.06)
    kidney = max(0.0, sin(pi * min(1.0, max(0.0, (at - 0.15) / 0.85))))
    for side in (-1, 1):
        if kidney > 0.1:
            at_kidney = (side * 0.4, 0.22)
            paint_ellipse(image, at_kidney, (0.13 * kidney, 0.155 * kidney), 175, turn=side * 0.5, soft=0.07)
            paint_ellipse(image, (side * 0.36, 0.21), (0.05 * kidney, 0.07 * kidney), _FAT + 40, soft=0.3)
    for _ in range(int(4 + 16 * at)):
        loop = (rng.uniform(-0.5, 0.5), rng.uniform(-0.38, 0.05))
        paint_ellipse(image, loop, (rng.uniform(0.05, 0.1), 0.05), 35, turn=rng.uniform(0, pi), soft=0.1, strength=at)
    paint_ellipse(image, (0.05, 0.18), (0.06, 0.06), _CONTRAST + 15, soft=0.08)
    paint_ellipse(image, (-0.1, 0.18), (0.065, 0.05), _CONTRAST - 50, soft=0.08)
    _ribs(image, at * 0.5)
    _spine(image, at)
    image += 8 * mottle(rng, size, size, 2) + 6 * mottle(rng, size, size, 1)
    write(image, "DEMO", 600)
    return image


def head_mr(size: int, at: float, rng: np.random.Generator, *, t2: bool) -> Plane:
    """An axial section of the head, weighted by T2 or T1; `at` runs from 0 (below the ventricles) to 1 (the vertex)."""
    scalp, skull, fluid, grey, white = (520, 40, 940, 430, 300) if t2 else (780, 30, 110, 360, 500)
    image = plane(size, size, 8)
    reach = 0.8 * (1 - 0.45 * max(0.0, at - 0.25) ** 1.5)
    for share, value in ((1.0, scalp), (0.94, skull), (0.885, fluid), (0.855, grey), (0.74, white)):
        soft = 0.02 if share > 0.8 else 0.22
        paint_ellipse(image, (0, 0), (reach * share * 0.83, reach * share), value, soft=soft)
    ripples = mottle(rng, size, size, max(4, size // 28))  # the folds of the cortex
    folds = plane(size, size)
    paint_ellipse(folds, (0, 0), (reach * 0.7, reach * 0.85), 1, soft=0.04)
    inner = plane(size, size)
    paint_ellipse(inner, (0, 0), (reach * 0.5, reach * 0.6), 1, soft=0.3)
    image += (np.abs(ripples) < 0.22).astype(np.float32) * (folds - inner) * np.float32((fluid - grey) * 0.55)
    image += ripples * inner * np.float32((grey - white) * 0.16)
    paint_line(image, [(0, -reach * 0.86), (0, -reach * 0.3)], 0.018, fluid, strength=0.8)
    paint_line(image, [(0, reach * 0.86), (0, reach * 0.3)], 0.018, fluid, strength=0.8)
    opening = max(0.0, 1 - abs(at - 0.4) * 2.4)
    if opening > 0.1:
        for side in (-1, 1):
            paint_ellipse(image, (side * 0.09, -0.14), (0.05 * opening, 0.17), fluid, turn=side * 0.3, soft=0.15)
            paint_ellipse(image, (side * 0.15, 0.17), (0.045 * opening, 0.14), fluid, turn=-side * 0.35, soft=0.15)
            paint_ellipse(image, (side * 0.2, 0.02), (0.09, 0.14), grey, turn=side * 0.3, soft=0.3, strength=0.7)
    if at < 0.25:
        for side in (-1, 1):
            paint_ellipse(image, (side * 0.25, -0.56), (0.12, 0.12), fluid, soft=0.06)  # the eyes
            paint_ellipse(image, (side * 0.2, 0.42), (0.21, 0.2), grey, soft=0.25)  # the cerebellum
    image *= 1 + np.float32(0.05) * mottle(rng, size, size, size // 3)  # the coil sees unevenly
    image += 9 * mottle(rng, size, size, 1)
    write(image, "DEMO", 900)
    return np.maximum(image, 0)


def body_pet(size: int, at: float, rng: np.random.Generator) -> Plane:
    """A transverse section of uptake in Bq/ml; `at` runs from 0 (the head) to 1 (the bladder)."""
    image = plane(size, size, 20)
    width = 0.42 if at < 0.2 else 0.78
    paint_ellipse(image, (0, 0), (width, 0.5), 1500, soft=0.08)
    if at < 0.2:
        paint_ellipse(image, (0, 0), (0.36, 0.42), 14000, soft=0.25)
        paint_ellipse(image, (0, 0), (0.2, 0.26), 8500, soft=0.4)
    elif at < 0.5:
        for side in (-1, 1):
            paint_ellipse(image, (side * 0.38, 0), (0.25, 0.34), 600, soft=0.15)
        paint_ellipse(image, (0.18, -0.05), (0.2, 0.18), 9500 * max(0.05, sin(pi * (at - 0.2) / 0.3)), soft=0.3)
        paint_ellipse(image, (-0.4, -0.12), (0.06, 0.06), 21000 * max(0.0, 1 - abs(at - 0.38) * 14), soft=0.8)
    elif at < 0.75:
        paint_ellipse(image, (-0.3, -0.08), (0.38, 0.32), 3600, soft=0.12)
        for side in (-1, 1):
            paint_ellipse(image, (side * 0.38, 0.22), (0.1, 0.12), 11000, soft=0.5)
    else:
        paint_ellipse(image, (0, -0.1), (0.2, 0.17), 26000, soft=0.3)
    image *= 1 + np.float32(0.13) * mottle(rng, size, size, 3)
    write(image, "DEMO", 12000, height=0.12)
    return np.maximum(image, 0)
