"""Downloads."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from mer_client.api import Api, send
from mer_client.errors import Damaged
from mer_client.steps import Request, Steps


def download(
    api: Api, /, path: str, to: str | Path, *, params: dict[str, Any] | None = None, sha256: str = ""
) -> Steps[Path]:
    """Store an answer in a file, and return its path. An incomplete file never gets the final name.

    Parameters
    ----------
    path
        The address, below ``/api/v1/``.
    to
        The file, or an existing folder: then the file gets the name that the server gives it.
    sha256
        The hash that the file must have. Raises Damaged for another one; nothing is stored then.
    """
    target = Path(to)
    name = target.name if not target.is_dir() else "download"
    part = (target if target.is_dir() else target.parent) / f".{name}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        answer = yield from send(api, Request("GET", path, params=params, to=part, timeout=300))
        if sha256:
            with part.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256:
                raise Damaged(f"{path} has the SHA-256 {found}, but the server states {sha256}. Try again.")
        if target.is_dir():
            target /= _name_of(answer.headers.get("Content-Disposition", ""), path)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _name_of(disposition: str, path: str) -> str:
    """Return the name that an answer gives its file; never a path."""
    name = ""
    for piece in disposition.split(";"):
        key, _, value = piece.strip().partition("=")
        if key.lower() == "filename":
            name = value.strip('"')
    return Path(name.replace("\\", "/")).name or Path(path.rstrip("/")).name or "download"
