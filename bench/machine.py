"""What runs here: the machine in words, and the processor time and memory of a program with all its children."""

import importlib.metadata
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from netty import __version__
from support.netty_process import descendants

_MEGABYTE = bytes(1 << 20)
_TICKS = os.sysconf("SC_CLK_TCK")
_PATH = os.environ.get("PATH", "") + ":/usr/sbin"
_PEERS = {"DCMTK": ("storescp", "--version"), "Orthanc": ("Orthanc", "--version")}
_LIBRARIES = ("pynetdicom", "pydicom", "pillow")
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all below it, also of those that have ended and were waited for."""
    return sum(_own(each) for each in (pid, *descendants(pid)))


def _own(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def children_seconds() -> float:
    """Processor time of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory_megabytes(pid: int) -> float:
    """The proportional set size of a process and all below it: what would be free without them; in 10^6 bytes."""
    return sum(_proportional(each) for each in (pid, *descendants(pid))) * 1024 / 1e6


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


class Peak:
    """Looks again and again how much memory a process and all below it have; `megabytes` is the most that it saw.

    Looking costs them a few milliseconds each time: not for rounds whose time counts.
    """

    def __init__(self, pid: int, interval: float = 0.1) -> None:
        self.megabytes = 0.0
        self._pid, self._interval = pid, interval
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.megabytes = max(self.megabytes, memory_megabytes(self._pid))
            if self._done.wait(self._interval):
                return


def have_memory_at_hand(folder: Path, size: int) -> None:
    """Fill a file of so many bytes in a folder, and let it go.

    A virtual machine gives memory that lies idle back to its host, and gets it again page by page: it took whoever came
    first after a pause twice as long to write 300 MB.
    """
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(0, size, len(_MEGABYTE)):
            file.write(_MEGABYTE)


def described() -> str:
    """Processor, kernel, and Python with the place that says who built it, in one line."""
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]  # fmt: skip
    return (
        f"{os.cpu_count()} x {names[0] if names else platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()} in {sys.base_prefix}"
    )


def versions() -> dict[str, str]:
    """Of netty and of the peers that are installed."""
    found = {"netty": __version__}
    for name, command in _PEERS.items():
        if shutil.which(command[0], path=_PATH):
            done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": _PATH})
            match = _VERSION.search(done.stdout + done.stderr)
            found[name] = match.group() if match else "?"
    for library in _LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[library] = importlib.metadata.version(library)
    return found
