"""What the environment states. A wrong value ends the process with a sentence that names the variable and what it takes.

A process reads its settings when it starts, and cannot run with others than those that were asked for.
"""

import math
import os
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import dj_database_url

_MOST_SHOWN = 100  # characters of a value


def refuse(name: str, expected: str, value: str | None = None) -> NoReturn:
    """End the process. ``value`` replaces the variable's own, where that one contains a secret."""
    text = os.environ.get(name, "") if value is None else value
    shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    raise SystemExit(f"{name} must be {expected}, not “{shown}”. Correct it, and start again.")


def texts(name: str, default: str = "") -> list[str]:
    """Return the texts between the commas of a variable."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def switch(name: str, default: bool = False) -> bool:
    """Return whether a variable is 1, or the default if it is not set."""
    value = os.environ.get(name, "").strip() or str(int(default))
    if value not in ("0", "1"):
        refuse(name, "1 (on) or 0 (off)")
    return value == "1"


def whole(name: str, default: int, least: int = 0, most: int = 2**63 - 1) -> int:
    """Return the whole number of a variable, or the default if it is not set."""
    text = os.environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) <= 20 and least <= int(text) <= most):
        limits = f"from {least:,} to {most:,}" if most < 2**63 - 1 else f"from {least:,}"
        refuse(name, f"a whole number {limits}")
    return int(text)


def seconds(name: str, default: float, least: float = 0, unit: str = "seconds") -> float:
    """Return the number of a variable, or the default if it is not set."""
    text = os.environ.get(name, "").strip() or str(default)
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= least):
        refuse(name, f"a number of {unit} from {least:g}")
    return found


def choice(name: str, default: str, known: Sequence[str]) -> str:
    """Return one of the known values, in any case, or the default if it is not set."""
    text = os.environ.get(name, "").strip().upper() or default
    if text not in known:
        refuse(name, f"one of {', '.join(known)}")
    return text


def networks(name: str) -> list[str]:
    """Return the networks of a variable, which commas separate."""
    found = []
    for text in texts(name):
        try:
            found.append(str(ip_network(text)))
        except ValueError:
            refuse(name, "networks separated by commas, such as 10.20.0.0/16 (no bits after the mask)", text)
    return found


def origins(name: str) -> list[str]:
    """Return the origins of a variable, which commas separate."""
    found = texts(name)
    for text in found:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            refuse(name, "origins separated by commas, such as https://mer.example.org", text)
    return found


def folder(name: str, default: Path) -> Path:
    """Return a folder. It is created for this user alone if it does not exist: see data_folder.py."""
    found = Path(os.environ.get(name) or default).resolve()
    try:
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(found, os.R_OK | os.W_OK | os.X_OK)
    except (OSError, ValueError):
        usable = False
    if not usable:
        refuse(name, "a folder that this user can create and write in", str(found))
    return found


def database(name: str, default: str) -> dict[str, Any]:
    """Return Django's settings of the database at the address that a variable states."""
    try:
        found: dict[str, Any] = dict(
            dj_database_url.config(env=name, default=default, conn_max_age=60, conn_health_checks=True)
        )
    except (ValueError, KeyError):
        found = {}
    if not found.get("ENGINE"):
        refuse(name, "the address of a database, such as postgres://user:password@host/name", _public(name))
    return found


def redis_address(name: str) -> str:
    """Return the address of a Redis server, or an empty text."""
    text = os.environ.get(name, "").strip()
    if text and urlsplit(text).scheme not in ("redis", "rediss", "unix"):
        refuse(name, "the address of a Redis server, such as redis://host:6379/0", _public(name))
    return text


def _public(name: str) -> str:
    """Return an address without what may be its password."""
    text = os.environ.get(name, "")
    return text if "@" not in text else f"…@{text.rpartition('@')[2]}"
