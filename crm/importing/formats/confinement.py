"""Takes from the child process what it does not need: memory without end, files, the network.

What a hostile file might make a parser do is then limited to what the child may do at all.
"""

import ctypes
import os
import platform
import resource
import struct
from collections.abc import Iterable

from crm.importing.formats import limits
from inference import programs

# Files that the child has open at one time: its pipes, and modules while they are imported.
OPEN_FILES = 64
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
# Per machine: the kernel's name of it (linux/audit.h), and the numbers of the system calls socket,
# socketpair, execve, execveat, ptrace and io_uring_setup (which could open sockets).
CALLS = {
    "x86_64": (0xC000003E, (41, 53, 59, 322, 101, 425)),
    "aarch64": (0xC00000B7, (198, 199, 221, 281, 117, 425)),
}
# Instructions of the filter (linux/filter.h, linux/seccomp.h).
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000 | 1  # EPERM
NUMBER, MACHINE = 0, 4  # Where the filter finds them.
# Calls of the 32-bit x32 interface have other numbers, from here.
X32 = 0x40000000


def confine() -> None:
    """Limit this process for good. It may still read files, since libraries import modules late."""
    programs.end_with_parent()
    for kind, most, surely in (
        (resource.RLIMIT_AS, limits.MEMORY, limits.MEMORY),
        # SIGXCPU at the first, by which the parent knows why; SIGKILL at the second.
        (resource.RLIMIT_CPU, limits.PROCESSOR, limits.PROCESSOR + 5),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
    ):
        resource.setrlimit(kind, (most, surely))
    os.nice(5)  # Chats come first.
    refuse_calls()


def refuse_calls() -> None:
    """Let the kernel refuse the network and other programs, where it can (Linux)."""
    machine, refused = CALLS.get(platform.machine(), (0, ()))
    if not refused or not hasattr(ctypes.CDLL(None), "prctl"):
        return
    instructions = b"".join(filter_of(machine, refused))
    code = ctypes.create_string_buffer(instructions)
    program = struct.pack("HP", len(instructions) // 8, ctypes.addressof(code))
    prctl = ctypes.CDLL(None).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)


def filter_of(machine: int, refused: Iterable[int]) -> Iterable[bytes]:
    """Yield the filter's instructions: a call of another machine's kind ends the process."""
    yield instruction(LOAD, MACHINE)
    yield instruction(JUMP_IF_EQUAL, machine, if_true=1)
    yield instruction(RETURN, KILL)
    yield instruction(LOAD, NUMBER)
    yield instruction(JUMP_IF_AT_LEAST, X32, if_false=1)
    yield instruction(RETURN, KILL)
    for number in refused:
        yield instruction(JUMP_IF_EQUAL, number, if_false=1)
        yield instruction(RETURN, FAIL)
    yield instruction(RETURN, ALLOW)


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
