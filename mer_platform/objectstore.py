"""Files in an object store (S3, MinIO, Ceph, …) instead of the data folder, as ``MER_STORAGE_URL`` asks for.

The URL reads ``s3://bucket/prefix?endpoint_url=https://minio.lab:9000&region=eu-central-1``; prefix and query are optional.
Keys come from the variables ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, or from the machine's role.
"""

import io
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from storages.backends.s3 import S3Storage

OPTIONS = {"endpoint_url": "endpoint_url", "region": "region_name"}
# botocore would wait 60 s for a connection and for each answer, five times over. A page waits at most about 10 s for a
# store that is away; a job gives up as soon, waits without a worker, and is tried again (models_ml/outages.py).
_PATIENCE = Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
READ_AHEAD = 4 << 20  # smallest number of bytes per request: a frame pack is read piece by piece


def storage_of(url: str) -> dict[str, Any]:
    """Return Django's settings of the storage at a URL. Raises ImproperlyConfigured with the reason if the URL is wrong."""
    parts = urlsplit(url)
    example = "write for example s3://bucket/prefix?endpoint_url=https://minio.lab:9000"
    if parts.scheme != "s3" or not parts.netloc:
        shown = url if "@" not in url else f"…@{url.rpartition('@')[2]}"
        raise ImproperlyConfigured(
            f"MER_STORAGE_URL must be the address of a bucket, not “{shown}”: {example}."
        )
    if "@" in parts.netloc:  # the URL appears in logs, where keys must not
        raise ImproperlyConfigured(
            "MER_STORAGE_URL must not contain keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead."
        )
    options: dict[str, Any] = {"bucket_name": parts.netloc, "location": unquote(parts.path).strip("/")}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in OPTIONS:
            known = " and ".join(OPTIONS)
            raise ImproperlyConfigured(f"MER_STORAGE_URL does not take the option “{name}”, only {known}.")
        options[OPTIONS[name]] = value
    if "endpoint_url" in options:
        if urlsplit(options["endpoint_url"]).scheme not in ("http", "https"):
            raise ImproperlyConfigured(
                f"The endpoint_url in MER_STORAGE_URL must start with http:// or https://, not “{options['endpoint_url']}”."
            )
        options["addressing_style"] = "path"  # a lab's own server rarely has a host name for each bucket
    return {"BACKEND": "mer_platform.objectstore.ObjectStorage", "OPTIONS": options}


class ObjectStorage(S3Storage):
    """S3 as the platform uses it: files are named by their content, so that overwriting one writes the same bytes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"file_overwrite": True, "default_acl": None, **options})
        self.client_config: Config = self.client_config.merge(_PATIENCE)

    def _open(self, name: str, mode: str = "rb") -> File:
        """Open a file that fetches only the parts that are read. Raises FileNotFoundError."""
        stored = super()._open(name, mode)  # asks for the object's size
        return File(io.BufferedReader(_Ranges(stored.obj), READ_AHEAD), name) if mode == "rb" else stored

    def get_modified_time(self, name: str) -> Any:
        """Return when an object was stored. Raises FileNotFoundError, as ``size`` does."""
        try:
            return super().get_modified_time(name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise FileNotFoundError(f"File does not exist: {name}") from error
            raise

    def problem(self) -> str:
        """Return why the store cannot be used, as a sentence, or an empty string if it can."""
        where = f"bucket “{self.bucket_name}”" + (f" at {self.endpoint_url}" if self.endpoint_url else "")
        try:
            self.connection.meta.client.head_bucket(Bucket=self.bucket_name)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            reasons = {404: "the bucket was not found", 403: "it does not accept these keys"}
            return f"Cannot use the {where}: {reasons.get(status, str(error))}."
        except BotoCoreError as error:
            return f"Cannot use the {where}: {error}"
        return ""


class _Ranges(io.RawIOBase):
    """A stored object as a file: each read requests only the bytes that it returns."""

    def __init__(self, stored: Any) -> None:
        self._object = stored
        self._size: int = stored.content_length
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._fetch(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self._fetch(self._size - self._at)

    def _fetch(self, count: int) -> bytes:
        last = min(self._at + count, self._size) - 1
        if last < self._at:
            return b""
        data: bytes = self._object.get(Range=f"bytes={self._at}-{last}")["Body"].read()
        self._at += len(data)
        return data
