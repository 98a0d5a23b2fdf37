"""What is done to the whole description: names of enumerations, and bodies in several media types."""

import copy
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from drf_spectacular.hooks import postprocess_schema_enums
from drf_spectacular.plumbing import _load_enum_name_overrides, list_hash, load_enum_name_overrides
from inflection import camelize

from mer_platform.rest.schema.areas import AREAS
from mer_platform.rest.schema.described import JSON
from mer_platform.rest.schema.typed import INLINE_ENUM

_REF = "#/components/schemas/"


def name_enumerations(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Name each enumeration after the model and field that it belongs to: ``RunStateEnum``.

    Names of the settings come first. Where fields of one name have several enumerations that no model has, each is named
    after the first component that has it.
    """
    _load_enum_name_overrides.cache_clear()
    named = load_enum_name_overrides()  # the hook below reads the same dictionary
    for model in apps.get_models():
        if not model.__module__.startswith("mer_platform."):
            continue
        for field in model._meta.get_fields():
            choices = [choice for choice in getattr(field, "flatchoices", ()) if choice[0] not in ("", None)]
            if choices:
                words = field.name.title().replace("_", "")
                named.setdefault(list_hash(choices), f"{model.__name__}{words}Enum")
    _name_the_rest(result["components"]["schemas"], named)
    try:
        found = postprocess_schema_enums(result, generator, request=request, public=public)
    finally:
        _load_enum_name_overrides.cache_clear()
    restored: dict[str, Any] = _with_inline_enumerations(found)
    return restored


def _name_the_rest(schemas: Mapping[str, Any], named: dict[str, str]) -> None:
    """Add names of enumerations to ``named``, by their hash."""
    by_field: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for component in sorted(schemas):
        own = component.removeprefix("Patched").removesuffix("Request")
        for field, schema in (schemas[component].get("properties") or {}).items():
            part = schema.get("items", {}) if schema.get("type") == "array" else schema
            if key := part.get("x-spec-enum-id"):
                by_field[field].setdefault(key, f"{own}{camelize(field)}Enum")
    for enumerations in by_field.values():
        if len(enumerations) > 1:
            for key, name in enumerations.items():
                named.setdefault(key, name)


def _with_inline_enumerations(part: Any) -> Any:
    if isinstance(part, list):
        return [_with_inline_enumerations(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        "enum" if key == INLINE_ENUM else key: _with_inline_enumerations(value) for key, value in part.items()
    }


def describe_null_as_a_type(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Replace what is left of OpenAPI 3.0's ``nullable``, for example in pages of lists, by the type null.

    ``oneOf`` becomes ``anyOf``: an empty text, for example, may also be of a format that validators do not check.
    """
    found: dict[str, Any] = _without_nullable(result)
    return found


def _without_nullable(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_nullable(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {
        "anyOf" if key == "oneOf" and "discriminator" not in part else key: _without_nullable(value)
        for key, value in part.items()
        if key != "nullable"
    }
    if part.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


def leave_files_out_of_json(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Describe a body that is a form or JSON without its files where it is JSON: they are sent in forms only."""
    schemas = result["components"]["schemas"]
    for path in result["paths"].values():
        for operation in path.values():
            content = operation.get("requestBody", {}).get("content", {})
            name = content.get(JSON, {}).get("schema", {}).get("$ref", "").removeprefix(_REF)
            if len(content) < 2 or name not in schemas:
                continue
            schema = copy.deepcopy(schemas[name])
            files = [key for key, part in schema["properties"].items() if part.get("format") == "binary"]
            for key in files:
                del schema["properties"][key]
            schema["required"] = [key for key in schema.get("required", []) if key not in files]
            if files:
                schemas[f"{name.removesuffix('Request')}JsonRequest"] = schema
                content[JSON]["schema"] = {"$ref": f"{_REF}{name.removesuffix('Request')}JsonRequest"}
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def allow_more_in_problems(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Say that problem details may have more members, as RFC 9457 allows: what is in conflict, for example."""
    for schema in result["components"]["schemas"].values():
        if {"type", "title", "status", "detail", "code"} <= set(schema.get("properties") or ()):
            schema["additionalProperties"] = True
    return result


def describe_areas(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Describe the tags, in their order, of which there are operations."""
    used = {
        tag for path in result["paths"].values() for operation in path.values() for tag in operation["tags"]
    }
    result["tags"] = [{"name": name, "description": text} for name, text in AREAS.items() if name in used]
    return result
