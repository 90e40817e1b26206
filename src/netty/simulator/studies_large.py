"""One very large multi-frame image, written piece by piece, so that making it takes little memory."""

from pathlib import Path

import numpy as np

from netty.simulator.phantoms import mottle
from netty.simulator.studies_objects import XA, Person, Picture, Place, Study, image, made_uid, write_file


def write_large_multiframe(
    path: Path,
    megabytes: int = 1024,
    *,
    patient_id: str = "LARGE-1",
    sop_class_uid: str = XA,
    rows: int = 512,
    columns: int = 512,
    seed: int = 0,
) -> int:
    """Write a grayscale multi-frame file of about `megabytes` (2^20 bytes) in 16 bits, 12 stored; returns its frames.

    Every frame differs from every other. XA and the multi-frame classes of PS3.3 C.7.6.6 are fit for it.
    """
    frame_bytes = rows * columns * 2
    frames = max(1, megabytes * 2**20 // frame_bytes)
    person = Person(patient_id, "LARGE^IMAGE")
    study = Study(made_uid("large", patient_id, megabytes, rows, columns, seed), description="LARGE")
    blank = Picture(np.zeros((1, 1, 1, 1), np.uint16), bits_stored=12)
    head = image(sop_class_uid, person, study, Place(), blank)
    head.Rows, head.Columns, head.NumberOfFrames = rows, columns, frames
    head.WindowCenter, head.WindowWidth = 2048, 4096
    del head.PixelData
    write_file(path, head)
    rng = np.random.default_rng(seed)
    base = (1500 + 300 * mottle(rng, rows, columns, 16) + 40 * mottle(rng, rows, columns, 1)).clip(0, 3000)
    stored = base.astype("<u2")
    with path.open("ab") as file:
        file.write(b"\xe0\x7f\x10\x00" + (frames * frame_bytes).to_bytes(4, "little"))  # PS3.5 7.1.3: tag and length
        for number in range(frames):
            frame = np.roll(stored, number * 3, axis=0)
            frame[:8, :8] = number % 4096
            frame += np.uint16(number % 1000)
            file.write(frame.data)
    return frames
