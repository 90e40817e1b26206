"""netty beside DCMTK, Orthanc and pynetdicom, in one run."""

import os
from pathlib import Path

from support.programs import leave_out_virtual_environments

leave_out_virtual_environments()  # `storescp` means DCMTK's

# What is measured is started in folders of its own, and finds us from there.
_ROOT = Path(__file__).resolve().parent.parent
os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (_ROOT, _ROOT / "tests")))
