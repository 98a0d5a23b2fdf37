"""What is done to the whole description: names of enumerations, and bodies in several media types."""

import copy
from typing import Any

from django.apps import apps
from drf_spectacular.hooks import postprocess_schema_enums
from drf_spectacular.plumbing import _load_enum_name_overrides, list_hash
from drf_spectacular.settings import patched_settings, spectacular_settings

from mer_platform.rest.schema.areas import AREAS
from mer_platform.rest.schema.described import JSON

_REF = "#/components/schemas/"


def name_enumerations(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Name each enumeration after the model and field that it belongs to: ``RunStateEnum``.

    Names of the settings come first. So a name never depends on what else the API has.
    """
    named = dict(spectacular_settings.ENUM_NAME_OVERRIDES)
    _load_enum_name_overrides.cache_clear()
    taken = set(_load_enum_name_overrides(""))
    for model in apps.get_models():
        for field in model._meta.get_fields():
            choices = [c for c in getattr(field, "flatchoices", ()) if c[0] not in ("", None)]
            if not choices or not model.__module__.startswith("mer_platform."):
                continue
            key = list_hash([(value, label) for value, label in choices])
            if key not in taken:
                taken.add(key)
                words = field.name.title().replace("_", "")
                named[f"{model.__name__}{words}Enum"] = choices
    _load_enum_name_overrides.cache_clear()
    try:
        with patched_settings({"ENUM_NAME_OVERRIDES": named}):
            return postprocess_schema_enums(result, generator, request=request, public=public)
    finally:
        _load_enum_name_overrides.cache_clear()


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


def describe_areas(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Describe the tags, in their order, of which there are operations."""
    used = {
        tag for path in result["paths"].values() for operation in path.values() for tag in operation["tags"]
    }
    result["tags"] = [{"name": name, "description": text} for name, text in AREAS.items() if name in used]
    return result
