"""netty beside DCMTK, Orthanc and pynetdicom, in one run."""

import os
import sysconfig
from pathlib import Path

# pynetdicom brings programs named as DCMTK's into the virtual environment; `storescp` here means DCMTK's.
_OURS = Path(sysconfig.get_path("scripts")).resolve()
os.environ["PATH"] = os.pathsep.join(
    folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).resolve() != _OURS
)

# What is measured is started in folders of its own, and finds us from there.
_ROOT = Path(__file__).resolve().parent.parent
os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (_ROOT, _ROOT / "tests")))
