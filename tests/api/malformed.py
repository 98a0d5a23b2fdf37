"""Malformed requests for every operation of the API, made from its description, and a catalogue of wrong values."""

import json
import re
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
    "number": ["x", "", "true", "1\0", "nan", "inf", "1e999"],
    "boolean": ["maybe", "2", "", "True", "\0"],
    "date-time": ["soon", "2026-13-45", "1", "1\0"],
    "string": ["a\0b", "x" * 5_000],
}
RIGHT_IN_PATHS = {"index": "0", "alias": "abc"}  # variables that are not ids
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
    "application/json; charset=nonsense",
    "application/x-www-form-urlencoded",
]
# The first word of an address, and the model whose row its id names, where the model is not called as the address.
MODELS = {
    "annotation-imports": "annotationimport", "composite-versions": "compositeversion", "consensus": "consensus",
    "feature-exports": "featureexport", "flow-pictures": "flowpicture", "models": "modelversion",
    "paper-bundles": "paperbundle", "saved-views": "savedview", "scoring-batches": "scoringbatch",
}  # fmt: skip


@dataclass
class Malformed:
    """A request that cannot be right.

    Attributes
    ----------
    what
        What is wrong with it, for the report.
    named
        The pointer or “?parameter” that the answer must name; empty if none.
    operation
        The operation that is called, as its description calls it.
    rule
        The kind of mistake. Requests with the same rule differ in the operation or the field only.
    """

    what: str
    method: str
    path: str
    body: bytes | None = None
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    named: str = ""
    operation: str = ""
    rule: str = ""


def row_ids(rows: dict[str, Any]) -> dict[str, Any]:
    """Return the id of a row by the first word of the addresses, from rows by the name of their model."""
    names = {path.split("/")[3] for path in api_schema()["paths"]}
    models = {name: MODELS.get(name, name.rstrip("s")) for name in names}
    return {name: rows[model].pk for name, model in models.items() if model in rows}


def sample(requests: list[Malformed], count: int) -> list[Malformed]:
    """Return so many requests: of each operation and of each rule at least one, the rest evenly from all."""
    chosen: dict[int, Malformed] = {}
    seen: set[str] = set()
    for index, request in enumerate(requests):
        if not {request.operation, request.rule} <= seen:
            seen |= {request.operation, request.rule}
            chosen[index] = request
    left = [index for index in range(len(requests)) if index not in chosen]
    missing = max(0, count - len(chosen))
    chosen |= {index: requests[index] for index in left[:: max(1, len(left) // max(1, missing))][:missing]}
    return [chosen[index] for index in sorted(chosen)]


def malformed_requests(ids: dict[str, Any]) -> Iterator[Malformed]:
    """Yield malformed requests for each operation. ``ids``: of an existing row, by the first word of the address."""
    for path, method, operation in operations():
        for request in _of_operation(path, method, operation, ids):
            request.operation = f"{method} {path}"
            request.rule = request.rule or request.what
            yield request


def _of_operation(
    path: str, method: str, operation: dict[str, Any], ids: dict[str, Any]
) -> Iterator[Malformed]:
    good = _filled(path, ids)
    yield from _wrong_ids(path, method, ids)
    yield from _wrong_parameters(good, method, operation)
    if method in ("post", "put", "patch") and not _takes_bytes(operation):
        yield from _wrong_bodies(good, method, operation)
    for other in ("put", "patch", "delete", "post"):
        if other not in api_schema()["paths"][path] and method == "get":
            yield Malformed(f"{other} is not taken", other, good)
            break


def _filled(path: str, ids: dict[str, Any], other: str = "", value: str = "") -> str:
    """Return the address with ids of rows in its variables; ``value`` in the variable ``other``."""
    kind = path.removeprefix("/api/v1/").split("/")[0]
    filled, place = path, 0
    while "{" in filled:
        name = filled[filled.index("{") + 1 : filled.index("}")]
        row = ids.get(kind, 1) if place == 0 else ids.get(f"{name}s", ids.get("members", 1))
        text = value if name == other else str(row)
        filled = filled.replace("{" + name + "}", text, 1)
        place += 1
    return filled


def _wrong_ids(path: str, method: str, ids: dict[str, Any]) -> Iterator[Malformed]:
    body = b"{}" if method in ("post", "put", "patch") else None
    for name in re.findall(r"\{(\w+)\}", path):
        right = RIGHT_IN_PATHS.get(name)
        for wrong in WRONG_IDS:
            if wrong == right:
                continue
            there = _filled(path, ids, name, quote(wrong, safe="%"))
            yield Malformed(f"id {wrong!r}", method, there, body)


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
            texts = ["no such value", "", "a\0b"]
        if kind == "integer" and one.get("minimum", -1) < 0:
            texts.remove("-1")
        if kind == "integer":
            texts += [str(one["maximum"] + 1)] if "maximum" in one else []
        at = f"{good}?{name}="
        if not many and texts:
            yield Malformed(f"{name} twice", method, f"{at}1&{name}=2", body, named=f"?{name}", rule="twice")
        for text in texts:
            what, rule = f"{name}={text[:20]!r}", f"parameter {kind} {text[:20]!r}"
            yield Malformed(what, method, f"{at}{quote(text)}", body, named=f"?{name}", rule=rule)


def _wrong_bodies(good: str, method: str, operation: dict[str, Any]) -> Iterator[Malformed]:
    content = operation.get("requestBody", {}).get("content", {})
    if JSON not in content:
        if not content:
            yield Malformed("a body that is not taken", method, good, b'{"no_such": 1}', named="/no_such")
        return
    for name, body in WRONG_BODIES.items():
        yield Malformed(f"body: {name}", method, good, body)
    for kind in WRONG_TYPES:
        if kind not in content:
            yield Malformed(f"type {kind}", method, good, b"{}", kind)
    yield Malformed("unknown field", method, good, b'{"no_such": 1}', named="/no_such")
    yield from _wrong_fields(good, method, resolved(content[JSON]["schema"]))


def _wrong_fields(good: str, method: str, schema: dict[str, Any]) -> Iterator[Malformed]:
    """Yield a body per field and wrong value, and one per wrong value in the objects that a field takes or lists."""
    for name, part in schema.get("properties", {}).items():
        if resolved(part).get("readOnly"):
            continue
        for value in WRONG_VALUES:
            if not _fits(value, part):
                yield _wrong_field(good, method, {name: value}, f"/{name}", value)
        inner, is_list = _inner(part), "items" in _plain(part)
        names = inner.get("properties", {})
        usual = {each: _plain(names[each]).get("enum", [None])[0] for each in inner.get("required", [])}
        usual = {each: value for each, value in usual.items() if value is not None}
        rest = {"atomic": True} if "atomic" in schema["properties"] else {}
        for own, own_part in names.items():
            if resolved(own_part).get("readOnly"):
                continue
            for value in WRONG_VALUES:
                if not _fits(value, own_part):
                    item = {**usual, own: value}
                    place = f"/{name}/0/{own}" if is_list else f"/{name}/{own}"
                    body = {name: [item] if is_list else item, **rest}
                    yield _wrong_field(good, method, body, place, value)


def _wrong_field(good: str, method: str, body: dict[str, Any], place: str, value: Any) -> Malformed:
    shown, depth = str(value)[:20], "field" if place.count("/") == 1 else "inner field"
    what, rule = f"{place}: {shown}", f"{depth} {type(value).__name__} {shown}"
    return Malformed(what, method, good, json.dumps(body).encode(), named=place, rule=rule)


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    """Return what a field takes other than null."""
    part = resolved(part)
    for several in ("oneOf", "anyOf", "allOf"):
        options = [resolved(option) for option in part.get(several, [])]
        found = [option for option in options if option.get("type") != "null"]
        if len(found) == 1:
            return found[0]
    return part


def _inner(part: dict[str, Any]) -> dict[str, Any]:
    """Return the object that a field takes, or that a list in it has; else nothing."""
    part = _plain(part)
    return _plain(part["items"]) if "items" in part else part


def _fits(value: Any, part: dict[str, Any]) -> bool:
    return bool(_validator(json.dumps(part)).is_valid(value))


@cache
def _validator(schema: str) -> Any:
    whole = {**json.loads(schema), "components": api_schema()["components"]}
    return jsonschema_rs.Draft202012Validator(whole)


def _takes_bytes(operation: dict[str, Any]) -> bool:
    content = operation.get("requestBody", {}).get("content", {})
    return bool(content) and JSON not in content and not any("form" in kind for kind in content)


def hand_written(ids: dict[str, Any]) -> Iterator[Malformed]:
    """Yield requests that no description leads to."""
    for request in _unusual(ids):
        request.operation, request.rule = request.method, f"{request.what} {request.path[:40]}"
        yield request


def _unusual(ids: dict[str, Any]) -> Iterator[Malformed]:
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
