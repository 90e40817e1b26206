"""How fast images become JPEG, without network, on one core: netty's renderer, DCMTK's, and pydicom with Pillow."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.contest import Contestant, Result, Table, compete, rate
from bench.machine import children_seconds
from bench.scope import Scope
from netty.simulator.studies_objects import CR, CT, MG, MR, US
from netty.simulator.studies_small import write_study
from support.peers import program

_COUNT = 20
_KINDS = {"CT": CT, "MR": MR, "CR": CR, "MG": MG, "US RGB": US}
_SIZES = {"CT": (512, 512), "MR": (256, 256), "CR": (2048, 2048), "MG": (2394, 2850), "US RGB": (480, 640)}

_NETTY = """
import sys, time
from pathlib import Path
from netty.image.settings import RenderSettings, RenditionFormat
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import render_frames
settings, folder = RenderSettings(RenditionFormat.JPEG, 90), Path(sys.argv[1])
for name in [sys.argv[2], *sys.argv[2:]]:  # the first one twice: what it loads comes once for thousands of images
    began = began if "began" in globals() and name != sys.argv[2] else (time.process_time(), time.perf_counter())
    offset, syntax = locate_data_set(Path(name))
    for frame in render_frames(Path(name), offset, syntax, settings):
        (folder / f"{Path(name).stem}-{frame.frame}.jpg").write_bytes(frame.data)
print(time.process_time() - began[0], time.perf_counter() - began[1])
"""

_PILLOW = """
import sys, time
from pathlib import Path
import numpy, pydicom
from PIL import Image
from pydicom.pixels import apply_modality_lut, apply_voi_lut
folder = Path(sys.argv[1])
for name in [sys.argv[2], *sys.argv[2:]]:
    began = began if "began" in globals() and name != sys.argv[2] else (time.process_time(), time.perf_counter())
    data_set = pydicom.dcmread(name)
    values = data_set.pixel_array
    if data_set.SamplesPerPixel == 1:
        values = apply_voi_lut(apply_modality_lut(values, data_set), data_set).astype(float)
        span = values.max() - values.min() or 1
        values = ((values - values.min()) / span * 255).astype("uint8")
        values = 255 - values if data_set.PhotometricInterpretation == "MONOCHROME1" else values
    Image.fromarray(values).save(folder / f"{Path(name).stem}.jpg", quality=90)
print(time.process_time() - began[0], time.perf_counter() - began[1])
"""


def tables(scope: Scope) -> Iterator[Table]:
    """One for each kind of image."""
    with tempfile.TemporaryDirectory(prefix="netty-bench-") as place:
        for name, sop_class_uid in _KINDS.items():
            rows, columns = _SIZES[name]
            study = write_study(
                Path(place) / name, sop_class_uid, instances=_COUNT, seed=name, rows=rows, columns=columns
            )
            contestants = [
                Contestant("netty", "its renderer, one process", partial(_in_python, _NETTY, study.files)),
                Contestant("pydicom, Pillow", "one process", partial(_in_python, _PILLOW, study.files)),
            ]
            if program("dcmj2pnm"):
                contestants.append(Contestant("dcmj2pnm", "a process each", partial(_by_dcmtk, study.files)))
            yield compete(f"render {_COUNT} {name}, {columns} x {rows}", contestants, scope.rounds)


def _in_python(program_text: str, files: Sequence[Path]) -> Result:
    """Without the start of Python, which comes once for thousands of images."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-c", program_text, folder, *map(str, files)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment)
        cpu, seconds = map(float, done.stdout.split())
        return rate(len(files), seconds, cpu=cpu, done=len(list(Path(folder).iterdir())))


def _by_dcmtk(files: Sequence[Path]) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        began, before = time.perf_counter(), children_seconds()
        for file in files:
            window = ["+Wi", "1"] if b"MONOCHROME" in file.read_bytes()[:4096] else []
            out = str(Path(folder) / f"{file.stem}.jpg")
            subprocess.run([program("dcmj2pnm") or "", "+oj", "+Jq", "90", *window, str(file), out], check=False)
        seconds = time.perf_counter() - began
        cpu = children_seconds() - before
        return rate(len(files), seconds, cpu=cpu, done=len(list(Path(folder).iterdir())))
