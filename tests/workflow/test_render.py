"""The renderer's parent process: it hands work out, and holds none of what draws."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["numpy", "pydicom", "PIL", "imagecodecs", "simplejpeg"])
def test_the_renderers_parent_process_does_without_what_only_its_children_need(module: str) -> None:
    code = f"import sys, netty.workflow.render, netty.workflow.register; sys.exit({module!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
