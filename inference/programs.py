"""What programs need of the operating system: a free port, and to end with their parent."""

import ctypes
import signal
import socket
import sys

LOOPBACK = "127.0.0.1"
PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec a child must take no lock of the loader.
_libc = ctypes.CDLL(None)


def free_port() -> int:
    """Return a port on the loopback that the system has just found free."""
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


def end_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent dies, even by SIGKILL.

    Linux only. A parent that died before the call is not noticed: the caller compares getppid().
    """
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
