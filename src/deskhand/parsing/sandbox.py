"""What keeps a child that reads strangers' files from doing anything else: limits of the system, and a filter of system calls.

Invariant: after `confine`, the process computes on what it was handed and answers over descriptors that are open already. It opens no
file, starts no program, speaks to no network and touches no other process; what is needed must be imported before. The filter is an
allow-list and exists on Linux for x86-64 and arm64; elsewhere the limits stand alone, and `confine` says so.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys

from deskhand.parsing.wire import Limits

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

# Classic BPF over struct seccomp_data: the number of the call at 0, the machine at 4, the low halves of the arguments from 16 on, 8 apart.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_CALL, _MACHINE, _FIRST, _THIRD = 0, 4, 16, 32
_PROT_EXEC = 4
_X32 = 0x40000000

# The numbers of system calls, on x86-64 and on arm64.
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "poll": (7, 73),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
}
# Without PROT_EXEC alone.
_MAPPING = {"mmap": (9, 222), "mprotect": (10, 226)}
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
# On this process alone: `abort` ends in the first, and 0 means oneself to the second.
_TGKILL, _PRLIMIT64 = (234, 131), (302, 261)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def die_with_parent(parent: int) -> None:
    """Let this process be killed when the one that started it dies, however that dies. Without Linux, the end of its input tells it."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


def confine(limits: Limits) -> bool:
    """Give up what reading a document does not need, for good. Returns whether system calls are filtered."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    if sys.platform != "linux":
        return False
    _prctl(_PR_SET_DUMPABLE, 0)
    return _filter_calls(platform.machine())


def allow_cpu(seconds: int) -> None:
    """Let this process be killed when it has used `seconds` more of processor time than now, or up to one less: the system counts whole
    seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds, hard))


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(what, (most, most))
    except (ValueError, OSError):
        # macOS has no limit of address space. Whoever started this process looks at its memory as well.
        if sys.platform == "linux":
            raise


def _prctl(option: int, value: int, more: object = 0) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, ctypes.c_ulong(value), more, ctypes.c_ulong(0), ctypes.c_ulong(0)):
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def _filter_calls(machine: str) -> bool:
    if machine not in _MACHINES:
        return False
    code = b"".join(struct.pack("<HBBI", *step) for step in _program(machine))
    program = _Program(len(code) // 8, code)
    try:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
    except OSError:
        # A kernel, or a container within another sandbox, that has no filters. Said to the server, which writes it to its log.
        return False
    return True


def _program(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter as steps of (operation, steps to skip if so, steps to skip if not, operand)."""
    column, audited = _MACHINES[machine]
    steps = [(_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, audited), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _CALL)]
    if machine == "x86_64":
        steps += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for call in _ALLOWED.values():
        steps += [(_EQUAL, 0, 1, call[column]), (_RETURN, 0, 0, _ALLOW)]
    refuse_or_allow = [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    for call in _MAPPING.values():
        steps += [(_EQUAL, 0, 4, call[column]), (_LOAD, 0, 0, _THIRD), (_ANY_BIT, 0, 1, _PROT_EXEC), *refuse_or_allow]
    for call, own in ((_TGKILL, os.getpid()), (_PRLIMIT64, 0)):
        steps += [(_EQUAL, 0, 4, call[column]), (_LOAD, 0, 0, _FIRST), (_EQUAL, 1, 0, own), *refuse_or_allow]
    return [*steps, (_RETURN, 0, 0, _REFUSE)]
