"""The API's schema, and whether a request fits it."""

import re
from functools import cache
from typing import Any

import jsonschema
from drf_spectacular.generators import SchemaGenerator

from tests.docs.shell import Request


@cache
def schema() -> dict[str, Any]:
    """Return the schema of the API as it is served."""
    return SchemaGenerator().get_schema(request=None, public=True)


def operation(method: str, path: str) -> dict[str, Any]:
    """Return the schema of one operation. Raises AssertionError if there is none."""
    fitting = [template for template in schema()["paths"] if _pattern(template).fullmatch(path)]
    assert fitting, f"the API has no path {path}"
    template = min(fitting, key=lambda text: text.count("{"))
    operations = schema()["paths"][template]
    assert method.lower() in operations, f"{template} does not allow {method}"
    return operations[method.lower()]


def check(request: Request) -> None:
    """Check a request's path, method, query, body and expected status. Raises AssertionError."""
    found = operation(request.method, request.path)
    known = {parameter["name"] for parameter in found.get("parameters", []) if parameter["in"] == "query"}
    assert {name for name, _ in request.query} <= known, f"{request.path} takes the parameters {known}"
    if request.status:
        assert request.status in found["responses"], f"{request.path} answers {set(found['responses'])}"
    content = found.get("requestBody", {}).get("content", {})
    if request.data is not None:
        check_value(request.data, _body(content, "application/json"))
    if request.form is not None:
        kind = "multipart/form-data" if request.files else "application/x-www-form-urlencoded"
        check_form(request, _body(content, kind if kind in content else "multipart/form-data"))


def check_value(value: Any, wanted: dict[str, Any]) -> None:
    """Check a JSON body: its fields exist, none is missing, and each has the right type."""
    assert set(value) <= set(wanted["properties"]), f"fields: {sorted(wanted['properties'])}"
    jsonschema.validate(value, {**wanted, "components": schema()["components"]})


def check_form(request: Request, wanted: dict[str, Any]) -> None:
    """Check a form: its fields exist and none is missing; values are text, so only their choices are checked."""
    properties, given = wanted["properties"], {name for name, _ in request.form or []}
    assert given <= set(properties), f"{request.path}: fields are {sorted(properties)}"
    assert set(wanted.get("required", [])) <= given, f"{request.path} requires {wanted['required']}"
    for name, value in request.form or []:
        choices = _resolved(properties[name]).get("enum")
        assert not choices or value in choices, f"{name} is one of {choices}"


def _body(content: dict[str, Any], kind: str) -> dict[str, Any]:
    assert kind in content, f"the body is one of {list(content)}"
    return _resolved(content[kind]["schema"])


def _resolved(value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value or len(value.get("allOf", [])) == 1:
        reference = value.get("$ref") or value["allOf"][0]["$ref"]
        value = schema()["components"]["schemas"][reference.rpartition("/")[2]]
    return value


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(template)))
