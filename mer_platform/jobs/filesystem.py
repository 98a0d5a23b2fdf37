"""Kombu's filesystem transport, with atomic writes and thread-safe binding of queues.

Kombu writes messages and exchange tables in place. A reader that comes in between sees an empty file, and its worker ends
with a JSON error (kombu issue 1551). Here both are written to a temporary file, which is renamed.

Kombu also marks a queue as bound, for all threads of the process, before it has written the exchange table. Another thread
that publishes in between finds no queue, and its message is dropped. Here one thread binds at a time.
"""

import fcntl
import threading
import uuid
from pathlib import Path
from time import time_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.transport.virtual import Empty
from kombu.utils.json import dumps, loads

SCHEME = "files"
_binding = threading.Lock()


class Channel(filesystem.Channel):
    """Messages are files named ``<time>_<uuid>.<queue>.msg``, read oldest first. A reader claims one by renaming it."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        write_whole(
            Path(self.data_folder_out) / f"{time_ns():020}_{uuid.uuid4().hex}.{queue}.msg", dumps(payload)
        )

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for message in sorted(Path(self.data_folder_in).glob(f"*.{queue}.msg")):
            mine = Path(self.processed_folder) / message.name
            try:
                message.rename(mine)
            except FileNotFoundError:  # another reader was faster
                continue
            text = mine.read_text()
            mine.unlink()
            return loads(text)
        raise Empty

    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        with _binding:
            super().queue_bind(*args, **kwargs)

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str) -> None:
        file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]  # the stubs are older
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            table = self.get_table(exchange)
            if binding not in table:
                write_whole(file, dumps([binding, *table]))


class Transport(filesystem.Transport):
    Channel = Channel


def write_whole(path: Path, text: str) -> None:
    """Write a file atomically: readers see all of its content or no file."""
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    part.write_text(text)
    part.replace(path)


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:{Transport.__name__}"
