"""What programs need of the operating system: a free port, and to end with their parent."""

import ctypes
import secrets
import signal
import socket
import sys
from contextlib import suppress

LOOPBACK = "127.0.0.1"
PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec a child must take no lock of the loader.
_libc = ctypes.CDLL(None)


# Below the ports that Linux gives to outgoing connections (32768 and up): any of those may be given
# to a client before the server that is to listen there has started.
PORTS = range(10_000, 32_768)


def free_port() -> int:
    """Return a free port on the loopback, chosen at random."""
    while True:
        port = secrets.choice(PORTS)
        with suppress(OSError), socket.create_server((LOOPBACK, port)):
            return port


def end_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent dies, even by SIGKILL.

    Linux only. A parent that died before the call is not noticed: the caller compares getppid().
    """
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
