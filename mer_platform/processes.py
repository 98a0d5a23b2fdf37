"""Processes by name."""

import os
import socket


def owner_name() -> str:
    """Return this process's name, host:process, as leases and the list of workers give it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_alive(pid: int) -> bool:
    """Return whether this host has a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
