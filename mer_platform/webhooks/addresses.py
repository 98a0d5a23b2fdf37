"""Which addresses webhooks may be sent to.

By default only to public ones: a URL that a member enters must not reach the machines around the platform. The check
follows the resolution of the name, and the connection uses the address that was checked, so a name that changes its
address in between gains nothing.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, quote, urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address

# IANA's special-purpose registry, because ip_address().is_global differs between patch releases of Python. The last one
# is where Azure's machines find their host.
_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")

# Ports below 1024 belong to other services, and so do those that browsers refuse (https://fetch.spec.whatwg.org).
_LOW_PORTS = (80, 443)
_OTHER_SERVICES = {
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080,
}  # fmt: skip
_IN_URLS = "/%:@!$&'()*+,;=?~"  # what a path or a query may hold as it is
_resolving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


class AddressRefused(Exception):
    """The platform does not send to this address; the text says why."""


@dataclass(frozen=True)
class Place:
    """Where a URL leads: its parts, with the port that it means, and what is asked there (path and query)."""

    scheme: str
    host: str
    port: int
    target: str = "/"

    @property
    def secure(self) -> bool:
        return self.scheme == "https"


def place_of(url: str) -> Place:
    """Return where a URL leads. Raises AddressRefused for one that no webhook may have."""
    parts = _split(url)
    if parts.scheme not in ("https", "http"):
        raise AddressRefused("The URL must start with https://.")
    if parts.scheme == "http" and not allowed_networks():
        raise AddressRefused(
            "The URL must start with https://. Plain http:// is for private networks that the administrator allows."
        )
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(
            "The URL must not contain a username or password: the signature proves the sender."
        )
    if parts.fragment:
        raise AddressRefused("The URL must not contain a fragment (“#…”).")
    try:
        host = (parts.hostname or "").encode("idna").decode()
        port = {"https": 443, "http": 80}[parts.scheme] if parts.port is None else parts.port
    except (UnicodeError, ValueError) as error:
        raise AddressRefused("The URL must have a host name, and a port from 1 to 65535 if any.") from error
    if not host or "%" in host:
        raise AddressRefused("The URL must name a host.")
    if (port < 1024 and port not in _LOW_PORTS) or port in _OTHER_SERVICES:
        raise AddressRefused(
            f"The port {port} belongs to another service. Use 443, 80, or a free port from 1024."
        )
    if (literal := _literal(host)) is not None:
        check(literal, parts.scheme == "https")
    asked = quote(parts.path or "/", safe=_IN_URLS) + (
        f"?{quote(parts.query, safe=_IN_URLS)}" if parts.query else ""
    )
    return Place(parts.scheme, host, port, asked)


def resolve(host: str, port: int, secure: bool, seconds: float) -> list[Address]:
    """Return the addresses of a host that may be connected to.

    Raises AddressRefused if it has none, or none that may be used, and TimeoutError after ``seconds``.
    """
    asked = _resolving.submit(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
    try:
        answers = asked.result(timeout=max(seconds, 0.0))
    except FutureTimeout as error:
        raise TimeoutError(f"No answer from the name server for {host}.") from error
    except (OSError, UnicodeError) as error:
        raise AddressRefused(f"The host {host} has no address.") from error
    found = list(dict.fromkeys(ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers))
    usable, refused = [], ""
    for address in found:
        try:
            check(address, secure)
        except AddressRefused as error:
            refused = refused or str(error)
        else:
            usable.append(address)
    if not usable:
        raise AddressRefused(refused or f"The host {host} has no address.")
    return usable


def check(address: Address, secure: bool = True) -> None:
    """Raise AddressRefused for an address that is not public, or reached without TLS, unless its network is allowed."""
    plain = _unwrapped(address)
    allowed = any(plain.version == network.version and plain in network for network in allowed_networks())
    if allowed:
        return
    if not is_public(plain):
        raise AddressRefused(
            f"The address {plain} is not public. An administrator can allow its network (MER_WEBHOOK_ALLOW_PRIVATE)."
        )
    if not secure:
        raise AddressRefused(f"The address {plain} is public, so the URL must start with https://.")


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public Internet, also if it is an IPv4 address written as IPv6."""
    plain = _unwrapped(address)
    if isinstance(plain, IPv4Address):
        return not any(plain in network for network in _SPECIAL_V4)
    return plain in _GLOBAL_V6 and not any(plain in network for network in _SPECIAL_V6)


def allowed_networks() -> list[IPv4Network | IPv6Network]:
    """Return the networks of ``MER_WEBHOOK_ALLOW_PRIVATE``."""
    return [ip_network(text) for text in settings.WEBHOOK_ALLOW_PRIVATE]


def _unwrapped(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(address.packed[-4:])
    return address


def _literal(host: str) -> Address | None:
    """Return the address that a host is written as, in any form that the resolver takes for one (such as 2130706433)."""
    try:
        answers = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return ip_address(str(answers[0][4][0]).partition("%")[0])


def _split(url: str) -> SplitResult:
    if any(character <= " " or character == "\x7f" for character in url) or "\\" in url:
        raise AddressRefused("The URL must not contain spaces, control characters or backslashes.")
    try:
        return urlsplit(url)
    except ValueError as error:
        raise AddressRefused("This is not a URL. It looks like https://example.org/hooks.") from error
