"""Children die with their parent, even when it is killed and cannot tell them."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when its parent ends; leave at once if it has ended already.

    The signal comes when the parent's *thread* that started us ends, so parents start children from a thread that
    lives as long as they do.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        os._exit(0)
