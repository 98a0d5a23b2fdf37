"""Each answer of the API to a test's client is compared with the API's description.

An answer that has a status, a type of content, a field or a value that the description does not have fails the test that
called. Objects that the description lists the fields of may have no others.
"""

import copy
import gzip
import json
import re
from functools import cache
from typing import Any

import jsonschema_rs
from django.test import Client

from tests.api.api_schema import api_schema

_call = Client.request


def conforming_request(self: Client, **request: Any) -> Any:
    """Call, and compare the answer with the description. Raises AssertionError if it is another one."""
    response = _call(self, **request)
    if response.request["PATH_INFO"].startswith("/api/v1/"):
        check(response)
    return response


def check(response: Any) -> None:
    """Compare an answer with the description of its operation."""
    method, path = response.request["REQUEST_METHOD"], response.request["PATH_INFO"]
    method = response.request.get("HTTP_X_HTTP_METHOD_OVERRIDE", method)
    operations = operations_at(path)
    if operations is None or method == "OPTIONS":
        return
    name, operation = operations.get(method.lower(), (None, None))
    if operation is None:
        assert response.status_code in (401, 403, 404, 405) or method == "HEAD", (
            f"{method} {path} is not described"
        )
        return
    called = f"{method} {path} → {response.status_code}"
    if response.status_code == 405 or response.has_header(
        "Idempotent-Replayed"
    ):  # tests store answers of their own
        return
    answer = operation["responses"].get(str(response.status_code))
    assert answer, f"{called}: described are {', '.join(operation['responses'])}"
    answer = resolved(answer)
    content = answer.get("content")
    kind = response.get("Content-Type", "").partition(";")[0]
    if not content:
        assert response.streaming or not response.content, f"{called}: has content, which is not described"
        return
    assert kind in content, f"{called}: the type is {kind}, described are {', '.join(content)}"
    if kind.endswith("json") and not response.streaming and "schema" in content[kind]:
        is_sparse = "fields=" in response.request["QUERY_STRING"] and response.status_code < 300
        validator = validator_of(name, str(response.status_code), kind, is_sparse)
        document = json.loads(plain_content(response))
        if not validator.is_valid(document):
            error = next(iter(validator.iter_errors(document)))
            place = "/".join(map(str, error.instance_path))
            raise AssertionError(f"{called} at “{place}”: {error.message[:600]}")


@cache
def operations_at(path: str) -> dict[str, Any] | None:
    """Return the operations at a path by method, with their identifiers, or None if the path is not described."""
    fitting = [template for pattern, template in _patterns() if pattern.fullmatch(path)]
    if not fitting:
        return None
    item = api_schema()["paths"][min(fitting, key=lambda text: text.count("{"))]
    return {method: (found["operationId"], found) for method, found in item.items()}


def plain_content(response: Any) -> bytes:
    """Return the content of an answer without compression."""
    is_packed = response.get("Content-Encoding") == "gzip"
    return gzip.decompress(response.content) if is_packed else bytes(response.content)


@cache
def validator_of(operation_id: str, code: str, kind: str, is_sparse: bool = False) -> Any:
    """Return the validator of an answer; a sparse one has only the fields that ``?fields=`` asked for."""
    answer = resolved(_operations()[operation_id]["responses"][code])
    schema = strict(copy.deepcopy(answer["content"][kind]["schema"]))
    whole = {**schema, "components": _strict_components()}
    return jsonschema_rs.Draft202012Validator(without_required(whole) if is_sparse else whole)


def without_required(part: Any) -> Any:
    """Require no fields of the objects that a schema describes."""
    if isinstance(part, list):
        return [without_required(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: without_required(value)
        for key, value in part.items()
        if not (key == "required" and isinstance(value, list))
    }


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference points to."""
    found: Any = part
    while "$ref" in found:
        target: Any = api_schema()
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        found = target
    return dict(found)


def strict(part: Any) -> Any:
    """Allow no other fields in objects whose fields are listed, except where several descriptions hold together."""
    if isinstance(part, list):
        return [strict(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {
        key: value if key in ("allOf", "example", "examples") else strict(value)
        for key, value in part.items()
    }
    if "properties" in part and "additionalProperties" not in part and isinstance(part["properties"], dict):
        found["additionalProperties"] = False
    return found


@cache
def _strict_components() -> dict[str, Any]:
    return {"schemas": {name: strict(part) for name, part in api_schema()["components"]["schemas"].items()}}


@cache
def _operations() -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for item in api_schema()["paths"].values()
        for operation in item.values()
    }


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))), template)
        for template in api_schema()["paths"]
    ]
