"""To which addresses webhooks are sent, and how one request ends."""

import base64
import hashlib
import hmac
import socket
import threading
from ipaddress import ip_address

import pytest

from mer_platform.webhooks import addresses, signing
from mer_platform.webhooks.addresses import AddressRefused, check, is_public, place_of
from mer_platform.webhooks.sending import ANSWER_BYTES, post
from tests.receiver import LOOPBACK, receiving

PRIVATE = (
    *("127.0.0.1", "127.8.9.10", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "100.100.100.200", "0.0.0.0", "192.0.0.192", "198.18.0.1", "224.0.0.1"),  # noqa: S104
    *("168.63.129.16", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1"),
    *("::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1"),
    "2001:db8::1",
)  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_public_is_refused(text, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = []
    assert not is_public(ip_address(text))
    with pytest.raises(AddressRefused, match="is not public"):
        check(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_may_be_used_with_tls_only(text, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    check(ip_address(text), secure=True)
    with pytest.raises(AddressRefused, match="must start with https://"):
        check(ip_address(text), secure=False)


def test_the_administrator_allows_networks_one_by_one(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = ["10.20.0.0/16", "fd12::/16"]
    for text in ("10.20.3.4", "::ffff:10.20.3.4", "fd12::7"):
        check(ip_address(text), secure=False)
    for text in ("10.21.0.1", "127.0.0.1", "fd13::7"):
        with pytest.raises(AddressRefused):
            check(ip_address(text))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.org/", "must start with https://"),
        ("example.org/hook", "must start with https://"),
        ("http://example.org/", "must start with https://"),
        ("https://user:secret@example.org/", "username or password"),
        ("https://example.org/#part", "fragment"),
        ("https://example.org:22/", "port 22 belongs to another service"),
        ("https://example.org:6667/", "port 6667 belongs to another service"),
        ("https://example.org:99999/", "a port from 1 to 65535"),
        ("https://", "must name a host"),
        ("https://exa mple.org/", "spaces"),
        ("https://example.org\\@127.0.0.1/", "backslashes"),
        ("https://[::1/", "not a URL"),
        ("https://127.0.0.1/", "is not public"),
        ("https://2130706433/", "127.0.0.1 is not public"),
        ("https://0x7f.1/", "127.0.0.1 is not public"),
        ("https://017700000001/", "127.0.0.1 is not public"),
        ("https://[::ffff:10.0.0.1]/", "10.0.0.1 is not public"),
        ("https://[fe80::1%25eth0]/", "must name a host"),
    ],
)
def test_urls_that_no_webhook_may_have(url, words, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = []
    with pytest.raises(AddressRefused, match=words):
        place_of(url)


def test_a_url_names_its_place(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = []
    assert place_of("https://hooks.example.org:8443/a?b=c").port == 8443
    place = place_of("https://bücher.example/straße?q=ü%20b")
    assert place.host == "xn--bcher-kva.example"
    assert place.target == "/stra%C3%9Fe?q=%C3%BC%20b"


def test_the_connection_goes_to_the_address_that_was_checked(settings, monkeypatch):
    """A name server that answers first with a public address and then with a private one gains nothing."""
    settings.WEBHOOK_ALLOW_PRIVATE = []
    answers = iter([[(2, 1, 6, "", ("203.0.113.9", 443))], [(2, 1, 6, "", ("127.0.0.1", 443))]])
    monkeypatch.setattr(addresses, "_SPECIAL_V4", ())  # the first address stands for a public one
    monkeypatch.setattr(addresses, "_literal", lambda host: None)
    asked, connected = [], []

    def resolving(host, *rest):
        asked.append(host)
        return next(answers)

    def connecting(address, *_rest, **_options):
        connected.append(address[0])
        raise ConnectionRefusedError("nothing is there")

    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    monkeypatch.setattr(socket, "create_connection", connecting)
    answer = post("https://rebinding.example/", b"{}", {})
    assert (asked, connected) == (["rebinding.example"], ["203.0.113.9"])
    assert answer.status is None
    assert answer.address == "203.0.113.9"


@pytest.mark.parametrize("found", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(found, settings, monkeypatch):
    settings.WEBHOOK_ALLOW_PRIVATE = []
    family = socket.AF_INET6 if ":" in found else socket.AF_INET
    monkeypatch.setattr(addresses, "_literal", lambda host: None)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(family, 1, 6, "", (found, 443))])
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it connected"))
    answer = post("https://internal.example/", b"{}", {})
    assert "is not public" in answer.error
    assert answer.status is None


def test_a_request_arrives_with_its_headers_and_body(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    with receiving() as receiver:
        receiver.answers = [(202, {}, b"thanks")]
        answer = post(receiver.url, b'{"a":1}', {"webhook-id": "msg_1"})
    assert (answer.status, answer.text, answer.error, answer.address) == (202, "thanks", "", "127.0.0.1")
    [(headers, body)] = receiver.received
    assert body == b'{"a":1}'
    assert headers["webhook-id"] == "msg_1"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("MER-Platform/")
    assert headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_redirect_is_not_followed(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    with receiving() as receiver:
        receiver.answers = [(307, {"Location": receiver.url}, b"")]
        answer = post(receiver.url, b"{}", {})
    assert len(receiver.received) == 1
    assert answer.status == 307
    assert "redirects, which is not followed" in answer.error


def test_a_long_answer_is_not_kept(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    with receiving() as receiver:
        receiver.answers = [(500, {}, b"\xff" + b"x" * 5_000_000)]
        answer = post(receiver.url, b"{}", {})
    assert answer.status == 500
    assert len(answer.text) == ANSWER_BYTES
    assert answer.error == "The receiver answered 500."


def test_an_answer_that_trickles_in_ends_at_the_time_limit(settings):
    """Each byte comes within a read's own limit, and the whole does not."""
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    enough = threading.Event()

    def trickle(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not enough.wait(0.05):
            try:
                handler.wfile.write(b"a")
            except OSError:
                return

    with receiving() as receiver:
        receiver.during = trickle
        try:
            answer = post(receiver.url, b"{}", {}, seconds=0.3)
        finally:
            enough.set()
    assert answer.error == "No answer within 0.3 s."
    assert answer.status is None


def test_no_receiver_and_no_http_are_said_in_words(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert post(f"http://127.0.0.1:{free}/", b"{}", {}).error.startswith("No connection: ")
    with receiving() as receiver:
        receiver.during = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        assert "was not HTTP" in post(receiver.url, b"{}", {}).error
        secure = post(receiver.url.replace("http://", "https://"), b"{}", {})
    assert "secure connection failed" in secure.error


def test_the_signature_is_that_of_standard_webhooks():
    """The example of the specification's own libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signing.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_verifies_either_secret_during_the_overlap():
    new, old = b"n" * 32, b"o" * 32
    sent = signing.headers([new, old], "msg_1", 1700000000, b"{}")
    for secret in (new, old):
        mac = hmac.new(secret, b"msg_1.1700000000.{}", hashlib.sha256).digest()
        assert f"v1,{base64.b64encode(mac).decode()}" in sent["webhook-signature"].split(" ")


def test_another_installation_derives_another_secret(settings):
    nonce = signing.new_nonce()
    ours = signing.secret_of(nonce)
    assert signing.shown(ours).startswith("whsec_")
    assert len(ours) == 32
    settings.SECRET_KEY = "another" * 10
    assert signing.secret_of(nonce) != ours
