"""Processes by name. A name says which process is meant, also if two containers or two boots use the same host name."""

import os
import socket
from functools import cache
from pathlib import Path


def owner_name() -> str:
    """Return this process's name, ``host:boot-namespace-start:process``, as leases and the list of workers give it.

    It is unique among all boots, containers and processes: the same process id in another container is another name.
    """
    return _name_of(os.getpid())


def host_name() -> str:
    """Return this machine's name as in the names of processes."""
    return socket.gethostname()[:50]


def is_alive(name: str) -> bool:
    """Return whether the process of a name may still run. Only what this process can see is known to be dead."""
    host, place, process = split(name)
    if host != host_name() or not process.isdecimal() or not place.startswith(f"{_here()}-"):
        return True
    return name == _name_of(int(process))


def split(name: str) -> tuple[str, str, str]:
    """Return host, place and process id of a name; the place is empty in names of earlier versions.

    >>> split("lab1:3f2a9c1e-4026531836-88123:4711"), split("lab1:4711")
    (('lab1', '3f2a9c1e-4026531836-88123', '4711'), ('lab1', '', '4711'))
    """
    rest, _, process = name.rpartition(":")
    host, _, place = rest.partition(":")
    return host, place, process


def boot_id() -> str:
    """Return what identifies this boot of the machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@cache
def _here() -> str:
    """Return the machine's boot and the namespace in which process ids are counted."""
    try:
        namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        namespace = ""
    return f"{boot_id()[:8]}-{namespace}"


def _name_of(process: int) -> str:
    return f"{host_name()}:{_here()}-{_start_of(process)}:{process}"


def _start_of(process: int) -> str:
    """Return when a process started, in clock ticks since boot; "gone" if there is none; "" where it cannot be known."""
    try:
        # The name of the program, in brackets, may contain spaces and brackets.
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "" if _exists(process) else "gone"


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
