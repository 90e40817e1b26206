"""The layering rule: who may know whom, and who must know no outside at all (docs/architecture.md)."""

from pathlib import Path

import pytest

import netty
from support.layering import LEVEL, PURE, violations

PACKAGE = Path(netty.__file__).parent


def test_netty_keeps_the_layering_rule() -> None:
    found = violations(PACKAGE)

    assert not found, "\n".join(found)


def test_every_pure_part_stands_below_every_part_with_input_or_output() -> None:
    outside = [level for part, level in LEVEL.items() if part not in PURE]

    assert max(LEVEL[part] for part in PURE) < min(outside)


@pytest.mark.parametrize(
    ("module", "source", "word"),
    [
        # Upwards and sideways.
        ("dicom/a.py", "from netty.ul.pdu import Abort", "above"),
        ("ul/a.py", "import netty.model.lease", "beside"),
        ("model/a.py", "from netty import image", "beside"),
        ("network/a.py", "from netty.archive import catalog", "beside"),
        ("archive/a.py", "from netty.workflow.search import search", "above"),
        ("jobs/a.py", "import netty.workflow", "above"),
        ("workflow/a.py", "from netty.config import Settings", "above"),
        ("web/a.py", "import netty.simulator", "beside"),
        ("config.py", "import netty.gateway", "above"),
        ("errors.py", "import netty.dicom", "above"),
        # However it is written.
        ("archive/a.py", "def f():\n    from netty.web import app", "above"),
        ("archive/a.py", "if TYPE_CHECKING:\n    from netty.web import app", "above"),
        ("archive/a.py", "import importlib\nimportlib.import_module('netty.web')", "above"),
        ("archive/a.py", "from ..web import app", "relative"),
        ("archive/a.py", "from . import spool", "relative"),
        # The pure parts know no outside.
        ("ul/a.py", "import socket", "pure"),
        ("ul/a.py", "import asyncio", "pure"),
        ("dimse/a.py", "from time import monotonic", "pure"),
        ("dimse/a.py", "import logging", "pure"),
        ("dicom/a.py", "from pathlib import Path", "pure"),
        ("dicom/a.py", "import os", "pure"),
        ("image/a.py", "import pydicom", "pure"),
        ("model/a.py", "import numpy", "pure"),
        ("model/a.py", "from datetime import datetime\ndatetime.now()", "now()"),
        ("model/a.py", "from datetime import date\ndate.today()", "today()"),
        ("image/a.py", "open('/etc/passwd')", "open()"),
        ("image/a.py", "import io\nio.open('x')", "open()"),
        ("errors.py", "print('x')", "print()"),
        # What has no place yet.
        ("utils/a.py", "X = 1", "has no level"),
        ("helpers.py", "X = 1", "has no level"),
        ("web/a.py", "import netty.utils", "has no level"),
        ("__init__.py", "from netty.web import app", "the package itself"),
    ],
)
def test_a_forbidden_import_or_call_is_found(tmp_path: Path, module: str, source: str, word: str) -> None:
    path = tmp_path / "netty" / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)

    (violation,) = violations(tmp_path / "netty")

    assert violation.startswith(module)
    assert word in violation


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("dimse/a.py", "import struct\nfrom netty.ul.pdu import Abort\nfrom netty.dicom import uids"),
        ("image/a.py", "import io\nimport numpy\nfrom PIL import Image\nimage = Image.open(io.BytesIO())"),
        ("dicom/a.py", "from pydicom.tag import Tag\nfrom netty.errors import PeerError"),
        ("network/a.py", "import socket\nfrom netty import __version__\nfrom netty.network import tls"),
        ("language/a.py", "from netty.errors import NettyError"),
        ("gateway.py", "import netty.web, netty.config, netty.simulator"),
        ("cli/main.py", "import netty.gateway"),
    ],
)
def test_what_the_rule_allows_is_left_alone(tmp_path: Path, module: str, source: str) -> None:
    path = tmp_path / "netty" / module
    path.parent.mkdir(parents=True)
    path.write_text(source)

    assert violations(tmp_path / "netty") == []
