"""Where the programs that netty is tested against are looked for."""

import os
from pathlib import Path


def leave_out_virtual_environments() -> None:
    """Take every virtual environment out of PATH: pynetdicom puts programs there that are named as DCMTK's."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(
        folder for folder in folders if not (Path(folder).resolve().parent / "pyvenv.cfg").exists()
    )
