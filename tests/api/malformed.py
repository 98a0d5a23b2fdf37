"""Malformed requests for every operation of the API, made from its description, and a catalogue of wrong values."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from tests.api.api_schema import api_schema, operations
from tests.conforming import resolved

JSON = "application/json"
LONG_NUMBER = 10**39
# Values that some type or bound refuses; which of them a field refuses says its description.
WRONG_VALUES: list[Any] = [
    "1", " 1 ", "x", "", 1.7, -1, 0, LONG_NUMBER, True, None, [], {}, [[]], ["x"], [True], [-1], {"": {}},
    "x" * 20_001, list(range(1, 10_002)),
]  # fmt: skip
# Texts of parameters, by the type that refuses them.
WRONG_TEXTS: dict[str, list[str]] = {
    "integer": ["1.7", " 1 ", "x", "", "true", str(LONG_NUMBER), "-1", "１", "1\0"],
    "number": ["x", "true", "1\0"],
    "boolean": ["maybe", "2", "\0"],
    "date-time": ["soon", "2026-13-45", "1\0"],
    "string": ["a\0b", "x" * 5_000],
}
WRONG_IDS = ["0", "-1", "1.7", "9" * 40, "１", "1\0", "abc", "1 ", "1;2", "..%2f"]
# Whole bodies that are not JSON, or not an object, or not as objects should be.
WRONG_BODIES: dict[str, bytes] = {
    "open": b"{", "word": b"nul", "not UTF-8": b"\xff\xfe{}", "twice": b'{"name": "a", "name": "b"}',
    "NUL": b'{"name": "a\\u0000b"}', "half a character": b'{"name": "a\\ud800"}', "NaN": b'{"name": NaN}',
    "infinite": b'{"name": 1e999}', "digits": b'{"name": ' + b"9" * 5_000 + b"}", "list": b"[1]", "text": b'"x"',
    "number": b"1", "deep": b"[" * 100_000, "deep and closed": b"[" * 900 + b"]" * 900,
    "many names": json.dumps({f"n{i}": i for i in range(5_000)}).encode(),
}  # fmt: skip
WRONG_TYPES = [
    "text/plain",
    "application/xml",
    "x",
    "application/octet-stream",
]


@dataclass
class Malformed:
    """A request that cannot be right.

    Attributes
    ----------
    what
        What is wrong with it, for the report.
    named
        The pointer or “?parameter” that the answer must name; empty if none.
    """

    what: str
    method: str
    path: str
    body: bytes | None = None
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    named: str = ""


def malformed_requests(ids: dict[str, int]) -> Iterator[Malformed]:
    """Yield malformed requests for each operation. ``ids``: of an existing row, by the first part of the path."""
    for path, method, operation in operations():
        good = _filled(path, ids)
        yield from _wrong_ids(path, method, good)
        yield from _wrong_parameters(good, method, operation)
        if method in ("post", "put", "patch") and not _takes_bytes(operation):
            yield from _wrong_bodies(good, method, operation)
        for other in ("put", "patch", "delete", "post"):
            if other not in api_schema()["paths"][path] and method == "get":
                yield Malformed(f"{other} is not taken", other, good)
                break


def _filled(path: str, ids: dict[str, int]) -> str:
    kind = path.removeprefix("/api/v1/").split("/")[0]
    filled = path
    while "{" in filled:
        name = filled[filled.index("{") + 1 : filled.index("}")]
        value = str(ids.get(kind, 1)) if name in ("id", "pk", "version") else "1"
        filled = filled.replace("{" + name + "}", value, 1)
    return filled


def _wrong_ids(path: str, method: str, good: str) -> Iterator[Malformed]:
    if "{id}" not in path:
        return
    head, _, tail = path.partition("{id}")
    if "{" in tail:
        return
    for wrong in WRONG_IDS:
        yield Malformed(
            f"id {wrong!r}",
            method,
            f"{head}{quote(wrong, safe='%')}{tail}",
            b"{}" if method != "get" else None,
        )


def _wrong_parameters(good: str, method: str, operation: dict[str, Any]) -> Iterator[Malformed]:
    body = b"{}" if method in ("post", "put", "patch") else None
    yield Malformed("unknown parameter", method, f"{good}?no_such=1", body, named="?no_such")
    for parameter in operation.get("parameters", []):
        parameter = resolved(parameter)
        if parameter["in"] != "query":
            continue
        name, schema = parameter["name"], resolved(parameter["schema"])
        many = schema.get("type") == "array"
        one = resolved(schema["items"]) if many else schema
        kind = one.get("format") if one.get("format") == "date-time" else one.get("type")
        texts = list(WRONG_TEXTS.get(str(kind), []))
        if "enum" in one:
            texts = ["no such value", "a\0b"]
        if kind == "integer" and one.get("minimum", -1) < 0:
            texts.remove("-1")
        if not many and texts:
            yield Malformed(f"{name} twice", method, f"{good}?{name}=1&{name}=2", body, named=f"?{name}")
        for text in texts:
            yield Malformed(
                f"{name}={text[:20]!r}", method, f"{good}?{name}={quote(text)}", body, named=f"?{name}"
            )


def _wrong_bodies(good: str, method: str, operation: dict[str, Any]) -> Iterator[Malformed]:
    content = operation.get("requestBody", {}).get("content", {})
    if JSON not in content:
        if not content:
            yield Malformed("a body that is not taken", method, good, b'{"no_such": 1}')
        return
    for name, body in WRONG_BODIES.items():
        yield Malformed(f"body: {name}", method, good, body)
    for kind in WRONG_TYPES:
        yield Malformed(f"type {kind}", method, good, b"{}", kind)
    yield Malformed("unknown field", method, good, b'{"no_such": 1}', named="/no_such")
    schema = content[JSON]["schema"]
    for name, part in resolved(schema).get("properties", {}).items():
        part = resolved(part)
        if part.get("readOnly"):
            continue
        for value in WRONG_VALUES:
            if not _fits(value, part):
                body = json.dumps({name: value}).encode()
                named = "" if "$ref" in json.dumps(part) else f"/{name}"
                yield Malformed(f"{name}: {str(value)[:20]}", method, good, body, named=named)


def _fits(value: Any, part: dict[str, Any]) -> bool:
    """Return whether a value may be right. Of what other components describe, only that it is not a scalar is known."""
    if "$ref" in json.dumps(part):
        return not (value is True or value == 1.7)
    return bool(_validator(json.dumps(part)).is_valid(value))


@cache
def _validator(schema: str) -> Any:
    return jsonschema_rs.Draft202012Validator(json.loads(schema))


def _takes_bytes(operation: dict[str, Any]) -> bool:
    content = operation.get("requestBody", {}).get("content", {})
    return bool(content) and JSON not in content and not any("form" in kind for kind in content)


def hand_written(ids: dict[str, int]) -> Iterator[Malformed]:
    """Yield requests that no description leads to."""
    clips = "/api/v1/clips/"
    one = f"/api/v1/annotations/{ids.get('annotations', 1)}/"
    for path in (
        "/api/", "/api/v2/clips/", "/api/v1/nothing/", "/api/v1//clips/", "/api/v1/../clips/",
        "/api/v1/clips/1/nothing/", "/api/v1/" + "x" * 7_000 + "/", "/api/v1/%00/", "/api/v1/%ff%fe/",
        "/api/errors/nothing/", "/api/v1/clips/%2e%2e/", "/api/v1/clips.json/",
    ):  # fmt: skip
        yield Malformed("no such path", "get", path)
        yield Malformed("no such path", "post", path, b"{}")
    for method in ("TRACE", "PROPFIND", "CONNECT", "FOO"):
        yield Malformed("no such method", method, clips)
    for length in ("-1", "x", "1e3"):
        yield Malformed("length", "post", "/api/v1/runs/", b"{}", headers={"CONTENT_LENGTH": length})
    yield Malformed("too large", "post", "/api/v1/runs/", b" " * (10 * 1024**2 + 1) + b"{}")
    yield Malformed(
        "chunked",
        "post",
        "/api/v1/runs/",
        b"",
        headers={"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""},
    )
    for accept in ("application/xml", "text/plain", "nonsense"):
        yield Malformed("accept", "get", clips, headers={"HTTP_ACCEPT": accept})
    for boundary in ("", "; boundary=", "; boundary=x", "; boundary=\0"):
        yield Malformed("form", "post", clips, b"--x\r\nnonsense", f"multipart/form-data{boundary}")
    form = b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\na\0b\r\n--x--\r\n'
    yield Malformed("NUL in a form", "post", clips, form, "multipart/form-data; boundary=x")
    many = (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="n%d"\r\n\r\n1\r\n' % n for n in range(2_000))
        + b"--x--\r\n"
    )
    yield Malformed("many fields", "post", clips, many, "multipart/form-data; boundary=x")
    for host in ("evil.example", "x y", ""):
        yield Malformed("host", "get", clips, headers={"HTTP_HOST": host} if host else {"HTTP_HOST": "a/b"})
    for key in ("", " ", "x" * 256, "ä", "a b"):
        yield Malformed("key", "post", "/api/v1/runs/", b"{}", headers={"HTTP_IDEMPOTENCY_KEY": key or " "})
    yield Malformed("match", "patch", one, b"{}", headers={"HTTP_IF_MATCH": "nonsense"})
    yield Malformed("deleted", "get", "/api/v1/annotations/?deleted=maybe")
