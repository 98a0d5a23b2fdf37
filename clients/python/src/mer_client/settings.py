"""Where address and token come from: arguments, the environment, or the file that ``mer login`` writes."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mer_client.errors import NotConfigured

DEFAULT_URL = "http://localhost:8000"


@dataclass(frozen=True)
class Settings:
    """The server's address, and the token that a request carries."""

    url: str
    token: str


def find_settings(url: str | None = None, token: str | None = None) -> Settings:
    """Return address and token: as given, or from ``MER_URL`` and ``MER_TOKEN``, or as ``mer login`` stored them.

    A stored token is only sent to the server that it was stored for. Raises NotConfigured if there is no token.
    """
    stored = read_login()
    address = (url or os.environ.get("MER_URL") or stored.get("url") or DEFAULT_URL).rstrip("/")
    secret = token or os.environ.get("MER_TOKEN", "")
    if not secret and stored.get("url") == address:
        secret = stored.get("token", "")
    if not secret:
        raise NotConfigured(
            f"No token for {address}. Create one on the page “API tokens”, then run `mer login`, set MER_TOKEN, or pass it "
            "as token=…"
        )
    if not address.startswith(("http://", "https://")):
        raise NotConfigured(
            f"The address of the server must start with http:// or https://, not “{address}”."
        )
    return Settings(address, secret)


def config_file() -> Path:
    """Return the file of ``mer login``: ``MER_CONFIG``, or ``config.json`` in the user's configuration folder."""
    if path := os.environ.get("MER_CONFIG"):
        return Path(path)
    return _folder("XDG_CONFIG_HOME", ".config") / "config.json"


def state_folder() -> Path:
    """Return the folder that remembers unfinished uploads: ``MER_STATE_DIR``, or one in the user's state folder."""
    if path := os.environ.get("MER_STATE_DIR"):
        return Path(path)
    return _folder("XDG_STATE_HOME", ".local/state")


def _folder(variable: str, usual: str) -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home()) / "mer"
    return Path(os.environ.get(variable) or Path.home() / usual) / "mer"


def read_login() -> dict[str, str]:
    """Return what ``mer login`` stored, or an empty dictionary."""
    try:
        found: Any = json.loads(config_file().read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, OSError) as error:
        raise NotConfigured(f"Cannot read {config_file()}. Run `mer login` again.") from error
    return found if isinstance(found, dict) else {}


def write_login(settings: Settings) -> Path:
    """Store address and token in a file that only this user can read, and return its path."""
    return write_private(config_file(), {"url": settings.url, "token": settings.token})


def write_private(path: Path, data: dict[str, Any]) -> Path:
    """Write a JSON file that only this user can read, at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")  # created with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
    return path
