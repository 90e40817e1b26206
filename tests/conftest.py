"""What holds for all tests."""

import os
import sysconfig

# pynetdicom brings programs named as DCMTK's into the virtual environment; the tests mean DCMTK's.
_OURS = os.path.realpath(sysconfig.get_path("scripts"))
os.environ["PATH"] = os.pathsep.join(
    folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.realpath(folder) != _OURS
)
