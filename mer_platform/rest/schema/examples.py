"""An example for each body: made from its description, with values that are usual in the field."""

from collections.abc import Mapping
from typing import Any

from mer_platform.rest.schema.described import JSON, PROBLEM_JSON
from mer_platform.rest.schema.example_values import COMPONENTS, KEYS, VALUES

_SCHEMAS = "#/components/schemas/"
_DEEPEST = 24
_TEXT = "text"


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add an example to each body and answer in JSON. Examples are components, so that each stands once."""
    schemas: dict[str, Any] = result["components"]["schemas"]
    examples: dict[str, Any] = {}
    for item in result["paths"].values():
        for operation in item.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for body in bodies:
                for kind, content in body.get("content", {}).items():
                    if kind in (JSON, PROBLEM_JSON):
                        _add(content, operation["operationId"], schemas, examples)
    for name, answer in result["components"].get("responses", {}).items():
        for content in answer["content"].values():
            content["examples"] = {"example": {"$ref": f"#/components/examples/{name}"}}
            examples[name] = {"value": COMPONENTS[name]}
    result["components"]["examples"] = dict(sorted(examples.items()))
    return result


def _add(
    content: dict[str, Any], operation_id: str, schemas: Mapping[str, Any], examples: dict[str, Any]
) -> None:
    schema = content.get("schema")
    if schema is None:
        return
    if schema.get("type") == "array" and "$ref" in schema.get("items", {}):
        name = schema["items"]["$ref"].removeprefix(_SCHEMAS) + "List"
    elif "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMAS)
    else:
        name = operation_id
    if name not in examples:
        examples[name] = {"value": example_of(schema, schemas)}
    content["examples"] = {"example": {"$ref": f"#/components/examples/{name}"}}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """Return a value that the schema of a field of this name describes.

    >>> example_of({"type": "object", "properties": {"uf1": {"type": "number"}, "kind": {"enum": ["micro"]}}}, {})
    {'uf1': 0.7612, 'kind': 'micro'}
    """
    if "$ref" in schema:
        component = schema["$ref"].removeprefix(_SCHEMAS)
        if component in COMPONENTS:
            return COMPONENTS[component]
        return example_of(schemas[component], schemas, name, depth + 1)
    for key in ("example", "const"):
        if key in schema:
            return schema[key]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return next(value for value in schema["enum"] if value is not None)
    if "allOf" in schema:
        return _merged(schema, schemas, name, depth)
    for key in ("oneOf", "anyOf"):
        if options := schema.get(key):
            return example_of(options[0], schemas, name, depth + 1)
    return _plain(schema, schemas, name, depth)


def _merged(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> Any:
    parts = [example_of(part, schemas, name, depth + 1) for part in schema["allOf"]]
    if all(isinstance(part, dict) for part in parts):
        return {key: value for part in parts for key, value in part.items()}
    return parts[0]


def _plain(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object" or "properties" in schema:
        return _object(schema, schemas, name, depth)
    if kind == "array":
        return _array(schema, schemas, name, depth)
    found = VALUES.get((name, str(kind)))
    if found is None:
        found = _usual(schema, str(kind))
    return _within(found, schema)


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        return {}
    if properties := schema.get("properties"):
        return {
            key: example_of(part, schemas, key, depth + 1)
            for key, part in properties.items()
            if part.get("format") != "binary"
        }
    inner = schema.get("additionalProperties")
    if isinstance(inner, Mapping) and inner:
        return {
            key: example_of(inner, schemas, key if key in _NUMBERS else name, depth + 1)
            for key in KEYS.get(name, ("key",))
        }
    return {}


_NUMBERS = frozenset(key for key, kind in VALUES if kind == "number")


def _array(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> list[Any]:
    if parts := schema.get("prefixItems"):
        return [example_of(part, schemas, name, depth + 1) for part in parts]
    inner = schema.get("items") or {}
    found = VALUES.get((name, "array"))
    kinds = {"number": (int, float), "integer": (int,), "string": (str,), "array": (list,)}
    if found is not None and isinstance(found[0], kinds.get(str(inner.get("type")), ())):
        return list(found)
    one = example_of(inner, schemas, name, depth + 1)
    return [one] * max(1, schema.get("minItems", 1))


def _usual(schema: Mapping[str, Any], kind: str) -> Any:
    """Return a value of the type, or of the format, without regard to the name."""
    formats = {
        "date-time": "2026-03-02T09:30:00Z",
        "date": "2026-03-02",
        "uri": "http://localhost:8000/api/v1/",
        "uuid": "5f0c7a52-8c0e-4d0b-9d41-6a3d7c0e4f11",
    }
    if kind == "string":
        return formats.get(schema.get("format", ""), _TEXT)
    return {"integer": 1, "number": 0.5, "boolean": False, "null": None}.get(kind, "value")


def _within(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return the value, or one that the limits of the schema allow."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            value = _TEXT
        return value[: schema["maxLength"]] if "maxLength" in schema else value
    lowest = schema.get("minimum", schema.get("exclusiveMinimum"))
    highest = schema.get("maximum", schema.get("exclusiveMaximum"))
    if (lowest is not None and value < lowest) or (highest is not None and value > highest):
        return schema.get("default", lowest if lowest is not None else highest)
    return value
