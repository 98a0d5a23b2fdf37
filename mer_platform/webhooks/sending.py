"""One request to a webhook: to a checked address, without redirects, within a time limit, and with a short answer."""

import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import certifi
import httpcore
from django.conf import settings

from mer_platform import __version__
from mer_platform.webhooks.addresses import AddressRefused, place_of, resolve

SECONDS = 10.0  # for everything: name, connection, TLS, request and answer
ANSWER_BYTES = 1000  # what the log keeps of an answer
READ_BYTES = 16_384  # the most of an answer that is read


@dataclass(frozen=True)
class Answer:
    """What came of a request. ``status`` is None if no answer came; ``error`` says why, for the log."""

    seconds: float
    status: int | None = None
    text: str = ""
    error: str = ""
    address: str = ""
    retry_after: float = 0.0  # seconds that the receiver asks to wait

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: bytes, headers: dict[str, str], seconds: float = SECONDS) -> Answer:
    """Send one request. It never raises for what the other side does."""
    started = time.monotonic()
    network = _CheckedNetwork(started + seconds)
    status, text, retry_after, error = None, "", 0.0, ""
    try:
        place = place_of(url)
        network.secure = place.secure
        to = httpcore.URL(scheme=place.scheme, host=place.host, port=place.port, target=place.target)
        with (
            httpcore.ConnectionPool(
                ssl_context=_tls(settings.WEBHOOK_CA_FILE) if place.secure else None,
                max_connections=1,
                network_backend=network,
                retries=0,
            ) as pool,
            pool.stream(
                "POST", to, headers=_headers(headers), content=body, extensions=_limits(seconds)
            ) as answer,
        ):
            status = answer.status
            retry_after = _retry_after(answer.headers)
            text = _start_of(answer.iter_stream())
        if 300 <= status < 400:
            error = "The receiver redirects, which is not followed. Enter the URL that it redirects to."
        elif not 200 <= status < 300:
            error = f"The receiver answered {status}."
    except AddressRefused as refused:
        error = str(refused)
    except (httpcore.TimeoutException, TimeoutError):
        error = f"No answer within {seconds:g} s."
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as failed:
        error = _in_words(failed)
    ok = status is not None and 200 <= status < 300
    return Answer(
        time.monotonic() - started,
        status,
        text,
        "" if ok else error,
        network.address,
        retry_after,
    )


class _CheckedNetwork(httpcore.SyncBackend):
    """Opens connections only to addresses that were checked, and lets none of its steps pass the deadline."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.secure = True
        self.address = ""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception | None = None
        for address in resolve(host, port, self.secure, _left(self._deadline)):
            self.address = str(address)
            try:
                stream = super().connect_tcp(
                    str(address), port, _left(self._deadline), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failed or httpcore.ConnectError(f"{host} has no address")

    def connect_unix_socket(self, *_args: Any, **_options: Any) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("webhooks are sent over TCP")


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step ends at one deadline: an answer that trickles in must not keep the sender."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time is over")
    return left


def _limits(seconds: float) -> dict[str, Any]:
    return {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}


def _headers(headers: dict[str, str]) -> list[tuple[bytes | str, bytes | str]]:
    return [
        ("Content-Type", "application/json"),
        ("User-Agent", f"MER-Platform/{__version__}"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        *headers.items(),
    ]


def _start_of(chunks: Iterable[bytes]) -> str:
    """Return the start of an answer as text. At most ``READ_BYTES`` of it are read."""
    read = b""
    for chunk in chunks:
        read += chunk
        if len(read) >= READ_BYTES:
            break
    return read[:ANSWER_BYTES].decode("utf-8", "replace").replace("\0", "")


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float:
    """Return the seconds of a ``Retry-After`` header; 0 for none, or for a date."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit():
            return float(value[:9])
    return 0.0


def _in_words(error: Exception) -> str:
    text = str(error) or type(error).__name__
    cause = error.__context__ or error
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.partition("verify failed: ")[2].partition(" (_ssl")[0] or text
        return (
            f"The certificate of the receiver cannot be verified: {reason}. An administrator can add its authority "
            "(MER_WEBHOOK_CA_FILE)."
        )[:300]
    if isinstance(cause, ssl.SSLError) or "SSL" in text or "CERTIFICATE" in text:
        return f"The secure connection failed: {text}."[:300]
    if isinstance(error, httpcore.ConnectError | ConnectionRefusedError):
        return f"No connection: {text}."[:300]
    if isinstance(error, httpcore.ProtocolError):
        return f"The answer was not HTTP, or broke off: {text}."[:300]
    return f"The connection failed: {text}."[:300]


@lru_cache(maxsize=1)
def _tls(further: str) -> ssl.SSLContext:
    """Return what verifies certificates: the authorities of the system, Mozilla's, and those of a file, if there is one.

    Raises AddressRefused if the file cannot be used.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if further:
        try:
            context.load_verify_locations(further)
        except OSError as error:
            raise AddressRefused(
                f"Cannot read certificates from “{further}” (MER_WEBHOOK_CA_FILE). The administrator must name "
                "a file of PEM certificates that the platform may read."
            ) from error
    return context
