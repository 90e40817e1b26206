"""De-identifying files in tests as the settings would, and what dciodvfy (dicom3tools) finds wrong in a file."""

import re
import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from netty.model.deidentification_burned_in import Mask
from netty.model.deidentification_values import Pseudonyms
from netty.network.settings import AeSettings
from netty.workflow.deidentify import Deidentifier
from netty.workflow.settings import Keep, KeepSettings

needs_dciodvfy = pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy is not installed: apt-get install dicom3tools"
)


def deidentifier(level: Keep = Keep.BASIC, masks: tuple[Mask, ...] = (), **settings: Any) -> Deidentifier:
    """With a key that is always the same."""
    keep = KeepSettings(dicom=level, **settings)
    return Deidentifier(level, keep, Pseudonyms(bytes(32)) if level is Keep.BASIC else None, masks, AeSettings())


@cache
def errors(path: Path) -> Counter[str]:
    """What dciodvfy finds, without the values. The file must not change any more."""
    ended = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False)
    lines = (ended.stderr + ended.stdout).decode("latin-1").splitlines()
    return Counter(re.sub(r"<[^>]*> - |= <[^>]*>|<[\d.]+>$", "", line) for line in lines if line.startswith("Error"))


def inflated(source: Path, folder: Path) -> Path:
    """The file itself; a deflated one as a plain file, for dciodvfy reads no other."""
    dataset = dcmread(source)
    if dataset.file_meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return source
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(folder / f"plain-{source.name}")
    return folder / f"plain-{source.name}"


def without_the_denied(source: Path, folder: Path) -> Path:
    """A copy by pydicom, not by netty, without private elements and those of VR UN."""
    dataset = dcmread(source)
    denied = [tag for tag, element in dataset.items() if element.VR == "UN" or tag.is_private]
    for tag in denied:
        del dataset[tag]
    target = folder / f"without-{source.name}"
    dataset.save_as(target)
    return target
