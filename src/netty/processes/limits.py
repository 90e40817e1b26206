"""What a child process may use, and how it confines itself to that."""

import ctypes
import math
import os
import resource
import time
from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 1024 * 1024
DESCRIPTORS_OF_OUR_OWN: Final = 64  # database, folders, pipes, threads' wake-ups

_M_ARENA_MAX: Final = -8  # mallopt(3)

# One thread and one heap per child: OpenBLAS would reserve a buffer per core, which counts as memory in use.
# The memory of one image serves the next: to get and give back what a radiograph needs takes a fifth of its time.
CHILD_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * MEGABYTE),  # the largest that glibc takes
    "MALLOC_TRIM_THRESHOLD_": str(64 * MEGABYTE),
}


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """`memory` in bytes for the whole life of a child; the seconds are for each job.

    Wall time is for all jobs that were given together.
    """

    memory: int = 1024 * MEGABYTE
    cpu_seconds: int = 120
    wall_seconds: float = 300.0  # of waiting for the child; what its parent does with the answers does not count
    niceness: int = 5  # more than its parent's


def associations_at_once() -> int:
    """How many associations this process has descriptors for: each takes its socket and perhaps a file."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, (soft - DESCRIPTORS_OF_OUR_OWN) // 2)


def share_one_heap() -> None:
    """Threads that begin from now on take their memory from one heap, as glibc gives each of them one otherwise.

    They allocate in turn anyway, holding the interpreter's lock.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of other C libraries there is none
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def confine(limits: ChildLimits) -> None:
    """Sets the limits of this process that hold for its whole life."""
    _lower(resource.RLIMIT_DATA, limits.memory)
    _lower(resource.RLIMIT_CORE, 0)  # a core file would hold a patient's image
    os.nice(limits.niceness)


def allow_cpu(seconds: int) -> None:
    """Gives this process so many more seconds of CPU time, counted from now; SIGXCPU ends it after them."""
    wanted = math.ceil(time.process_time()) + seconds
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if wanted != soft:  # it is counted in whole seconds: most jobs have what the one before them had
        resource.setrlimit(resource.RLIMIT_CPU, (wanted, hard))


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (ceiling, ceiling))
