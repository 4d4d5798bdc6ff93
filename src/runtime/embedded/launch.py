"""Becomes another program: drops root, ties its life to the supervisor's, executes.

Run as a script by `python -I -S`, so it imports nothing of ours. Doing this after a fork inside
the supervisor would run Python code in a copy of a process with threads.

Arguments: SUPERVISOR_PID own|namespace|account UID GID PROGRAM ARGUMENT...
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1

EXIT_IDENTITY_REFUSED = 71
EXIT_SUPERVISOR_GONE = 75


def main(arguments: list[str]) -> None:
    supervisor_pid, kind, uid, gid, *command = arguments
    try:
        become(kind, int(uid), int(gid))
    except OSError as error:
        print(f"cannot drop root ({kind}): {error}", file=sys.stderr)
        sys.exit(EXIT_IDENTITY_REFUSED)
    die_with(int(supervisor_pid))
    os.execv(command[0], command)  # noqa: S606


def become(kind: str, uid: int, gid: int) -> None:
    # After this, the files of Python itself may be out of reach: import nothing later.
    if kind == "namespace":
        enter_user_namespace(uid, gid)
    elif kind == "account":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def enter_user_namespace(uid: int, gid: int) -> None:
    """Inside, the process is `uid`; outside, its files and its pid stay the caller's."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    call_c("unshare", CLONE_NEWUSER)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{uid} {outer_uid} 1")
    write("/proc/self/gid_map", f"{gid} {outer_gid} 1")


def die_with(supervisor_pid: int) -> None:
    # Last, because a change of identity clears the parent-death signal. Where there is no such
    # signal (macOS) the next supervisor finds the stale server and stops it.
    if sys.platform != "linux":
        return
    call_c("prctl", PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() != supervisor_pid:
        sys.exit(EXIT_SUPERVISOR_GONE)


def call_c(function: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*map(ctypes.c_ulong, arguments)) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{function}: {os.strerror(errno)}")


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
