"""Sending a file in parts, by tus 1.0.0. It continues after a broken connection, and after a restart of this program."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mer_client.api import TRY_AGAIN, Api, send
from mer_client.errors import ApiError, ConnectionFailed, Gone, MerError, NotFound
from mer_client.settings import state_folder, write_private
from mer_client.steps import Pause, Request, Steps

TUS = {"Tus-Resumable": "1.0.0"}
LARGEST_PART = 8 * 1024**2
SMALLEST_PART = 256 * 1024
# Called with the bytes that have arrived, and the size of the file.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Memory:
    """Where a file is being uploaded to: kept on the disk, by the file's hash, until the upload is used."""

    path: Path

    @classmethod
    def of(cls, api: Api, project: int, sha256: str) -> Memory:
        key = hashlib.sha256(f"{api.settings.url} {project} {sha256}".encode()).hexdigest()
        return cls(state_folder() / "uploads" / f"{key}.json")

    def recall(self) -> str:
        """Return the address of the upload, or an empty string."""
        try:
            return str(json.loads(self.path.read_text("utf-8"))["url"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def remember(self, url: str) -> None:
        write_private(self.path, {"url": url})

    def forget(self) -> None:
        with suppress(OSError):
            self.path.unlink()


@dataclass(frozen=True)
class Sent:
    """A file that is completely on the server. Call ``memory.forget`` once it is used."""

    id: str
    memory: Memory


def hash_file(path: Path) -> tuple[int, str]:
    """Return a file's size in bytes and its SHA-256. Raises MerError if it cannot be read."""
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                size += len(piece)
                digest.update(piece)
    except OSError as error:
        raise MerError(f"Cannot read “{path}”: {error.strerror}.") from error
    if size == 0:
        raise MerError(f"“{path}” is empty.")
    return size, digest.hexdigest()


def send_file(api: Api, /, path: Path, project: int, progress: Progress | None = None) -> Steps[Sent]:
    """Send a file to the server, and return its upload. What arrived in an earlier attempt is not sent again."""
    size, sha256 = hash_file(path)
    memory = Memory.of(api, project, sha256)
    url = memory.recall()
    offset = (yield from _arrived(api, url, size)) if url else None
    if offset is None:
        facts = {"filename": path.name, "project": str(project), "sha256": sha256}
        pairs = ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in facts.items())
        headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": pairs}
        answer = yield from send(api, Request("POST", "uploads/", headers=headers))
        url, offset = answer.headers["Location"], 0
        memory.remember(url)
    yield from _send_parts(api, path, url, offset, size, progress)
    return Sent(url.rstrip("/").rpartition("/")[2], memory)


def _send_parts(
    api: Api, path: Path, url: str, offset: int, size: int, progress: Progress | None
) -> Steps[None]:
    part, failures = LARGEST_PART, 0
    with path.open("rb") as file:
        while True:
            if progress is not None:
                progress(offset, size)
            if offset >= size:
                return
            file.seek(offset)
            data = file.read(part)
            if not data:
                raise MerError(f"“{path}” became shorter while it was sent. Send it again.")
            checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
            headers = {
                **TUS,
                "Content-Type": "application/offset+octet-stream",
                "Upload-Offset": str(offset),
                "Upload-Checksum": f"sha256 {checksum}",
            }
            try:
                answer = yield from send(api, Request("PATCH", url, content=data, headers=headers), retries=0)
                offset, failures = int(answer.headers["Upload-Offset"]), 0
                continue
            except ConnectionFailed:
                problem: Exception | None = None
            except ApiError as error:
                if error.status not in (409, 460) and error.status not in TRY_AGAIN:
                    raise
                problem = error
            failures += 1
            if failures > api.retries:
                raise problem or ConnectionFailed(
                    f"The connection to {api.settings.url} breaks while “{path.name}” is sent. "
                    f"{offset:,} of {size:,} bytes have arrived; the same call continues there."
                )
            part = max(part // 2, SMALLEST_PART)  # less is lost if the line is bad
            yield Pause(api.pause(failures - 1))
            arrived = yield from _arrived(api, url, size)
            if arrived is None:
                raise MerError(
                    f"The server has removed the unfinished upload of “{path.name}”. Send it again."
                )
            offset = arrived


def _arrived(api: Api, url: str, size: int) -> Steps[int | None]:
    """Return how many bytes of a file have arrived, or None if the server knows nothing of it."""
    try:
        answer = yield from send(api, Request("HEAD", url, headers=dict(TUS)))
    except (NotFound, Gone):
        return None
    except ValueError:  # remembered from another server
        return None
    if int(answer.headers["Upload-Length"]) != size:
        return None
    return int(answer.headers["Upload-Offset"])
