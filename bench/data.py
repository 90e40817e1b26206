"""The images that the benchmarks use: made, seeded, and with noise as scanners have it, so that JPEG sizes are real."""

from pathlib import Path

import numpy as np

from bench.load import CT_IMAGE_STORAGE, SIDE, made_images
from netty.dicom.part10 import file_meta
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN

PATIENT_ID = "BENCH"
_NOISE = 12  # standard deviation in HU, as in a CT of the abdomen


def ct_pixels(seed: int) -> bytes:
    """A slice: air, a body of water with a few organs, bone; 12 bits from -1024 HU on."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    values = np.full((SIDE, SIDE), -1000.0)
    values[(x / 0.8) ** 2 + (y / 0.6) ** 2 < 1] = 40
    for _ in range(12):
        center_x, center_y, size = random.uniform(-0.5, 0.5), random.uniform(-0.35, 0.35), random.uniform(0.04, 0.15)
        values[(x - center_x) ** 2 + (y - center_y) ** 2 < size**2] = random.uniform(-80, 300)
    values += random.normal(0, _NOISE, values.shape)
    return bytes(np.clip(values + 1024, 0, 4095).astype("<u2"))


def ct_files(folder: Path, study_instance_uid: str, count: int) -> list[Path]:
    """A CT study as files; a few different slices over and over."""
    folder.mkdir(parents=True)
    slices = [ct_pixels(seed) for seed in range(8)]
    files = []
    for number, image in enumerate(made_images(study_instance_uid, count, slices)):
        path = folder / f"{number:05}.dcm"
        meta = file_meta(
            CT_IMAGE_STORAGE, image.sop_instance_uid, IMPLICIT_VR_LITTLE_ENDIAN, implementation_class_uid="2.25.1"
        )
        path.write_bytes(meta + image.data_set)
        files.append(path)
    return files
