"""``python -m bench.bare_job PORT FOLDER FILE SYNC COUNT``: the main job with nothing but what cannot be left out.

One process receives as `limit` does, or COUNT images from a PACS where that is not 0; two look up (in the table of
FILE's window), encode and write, as images come; the last image is answered when all pictures are written. With SYNC 1
nothing is answered before it would survive a power cut.
"""

import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import simplejpeg

from bench import bare_dicom, limit
from bench.pictures import window_table
from bench.render_workers import QUALITY, looked_up

_WORKERS = 2
_NAME = 256  # bytes that a path takes in the pipe: written and read whole


def main(port: str, folder: str, file: str, sync: str, count: str) -> None:
    """Listen until SIGTERM."""
    data_set = pydicom.dcmread(file)
    shape, table = (data_set.Rows, data_set.Columns), window_table(data_set)
    images_of = partial(bare_dicom.images_of, count=int(count)) if int(count) else limit.images_of
    (tasks, to_do), (done, to_tell) = os.pipe(), os.pipe()
    for _ in range(_WORKERS):
        if os.fork() == 0:
            os.close(to_do)
            _draw(tasks, to_tell, shape, table, sync == "1")
            os._exit(0)
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the workers read the end of the pipe
        number = 0
        while True:
            peer, _ = listener.accept()
            number += 1
            with peer:
                waiting = 0
                for path, last in images_of(peer, str(Path(folder) / str(number)), sync == "1"):
                    os.write(to_do, str(path).encode().ljust(_NAME))
                    waiting += 1
                    while last and waiting:
                        waiting -= len(os.read(done, waiting))


def _draw(tasks: int, tell: int, shape: tuple[int, int], table: Any, sync: bool) -> None:
    while name := os.read(tasks, _NAME):
        path = Path(name.decode().rstrip())
        with path.open("rb") as file:
            file.seek(-2 * shape[0] * shape[1], os.SEEK_END)
            cells = np.frombuffer(file.read(), "<u2").reshape(shape)
        picture = looked_up(table, cells)
        jpeg = simplejpeg.encode_jpeg(picture, quality=QUALITY, colorspace="GRAY", colorsubsampling="Gray")
        with path.with_suffix(".jpg").open("wb", buffering=0) as picture_file:
            picture_file.write(jpeg)
            if sync:
                os.fdatasync(picture_file.fileno())
        os.write(tell, b"x")


if __name__ == "__main__":
    main(*sys.argv[1:])
