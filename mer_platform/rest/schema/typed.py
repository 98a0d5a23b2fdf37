"""Types of Python as components: models of pydantic, typed dictionaries and dataclasses describe JSON once."""

import json
from collections.abc import Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ResolvedComponent
from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError
from rest_framework import serializers

from models_ml.wording import in_words

MOST_ERRORS = 100  # of one value
_REF = "#/components/schemas/"
INLINE_ENUM = "x-inline-enum"


class TypedField(serializers.JSONField):
    """A field of JSON that a type describes. What it holds is not changed, and checked by those who use it.

    They say more about it than a type does, but run only if the other fields are right. So that a request gets all of its
    errors at once, a serializer that refuses another field asks ``type_errors`` of this one.

    Parameters
    ----------
    shape
        The type, or a function that returns it if it is known only later.
    stored
        The field shows what was stored, perhaps by another version of the platform: it may also be another object.
    """

    def __init__(self, shape: Any, *, stored: bool = False, **settings: Any) -> None:
        self.shape = shape
        self.stored = stored
        super().__init__(**settings)

    def type_errors(self, value: Any) -> dict[str, list[str]]:
        """Return how a value differs from the type, by the path in it; errors of the whole are ``non_field_errors``."""
        if value is None and self.allow_null:
            return {}
        try:
            TypeAdapter(shape_of(self.shape)).validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            found: dict[str, list[str]] = {}
            for each in error.errors(include_url=False)[:MOST_ERRORS]:
                path = _path(each["loc"], value, is_missing=each["type"] == "missing")
                found.setdefault(path, []).append(in_words(each))
            return found
        except PydanticSchemaGenerationError:
            return {}
        return {}


def shape_of(shape: Any) -> Any:
    """Return the type that a field was given, or that the given function returns."""
    is_later = not isinstance(shape, type) and getattr(shape, "__name__", "") == "<lambda>"
    return shape() if is_later else shape


def _path(places: Sequence[int | str], value: Any, is_missing: bool) -> str:
    """Return the path of an error, without the names of the types that were tried."""
    parts = []
    for place in places:
        try:
            value = value[place]
        except (KeyError, IndexError, TypeError):
            if not is_missing or place != places[-1]:
                continue
        parts.append(str(place))
    return ".".join(parts) or "non_field_errors"


class TypedSerializer(serializers.Serializer):
    """Base of what ``typed`` returns."""

    shape: Any


def typed(shape: Any) -> type[TypedSerializer]:
    """Return the description of an answer or a body by a type, for ``extend_schema``."""
    return type(f"{shape.__name__}Serializer", (TypedSerializer,), {"shape": shape})


class TypedFieldExtension(OpenApiSerializerFieldExtension):
    """Describes a ``TypedField`` by the component of its type."""

    target_class = TypedField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        field: TypedField = self.target
        schema = describe_type(shape_of(field.shape), auto_schema.registry)
        if field.stored:
            other = {
                "type": "object",
                "additionalProperties": True,
                "description": "As another version of the platform, or a network that is not installed, stored it.",
            }
            schema = {"anyOf": [schema, other]}
        return schema


class TypedSerializerExtension(OpenApiSerializerExtension):
    """Describes what ``typed`` returned by the component of its type."""

    target_class = TypedSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        shape = self.target.shape
        reference = describe_type(shape, auto_schema.registry)
        if reference == {"$ref": _REF + shape.__name__}:
            return dict(auto_schema.registry._components[(shape.__name__, ResolvedComponent.SCHEMA)].schema)
        return reference

    def get_identity(self, auto_schema: Any, direction: str) -> str:
        return f"type {self.target.shape.__name__}"

    def get_name(self, auto_schema: Any, direction: str) -> str:
        return str(self.target.shape.__name__)


def describe_type(shape: Any, registry: Any) -> dict[str, Any]:
    """Return the schema of a type. What it refers to is registered as components."""
    document = TypeAdapter(shape).json_schema(ref_template=_REF + "{model}")
    parts = document.pop("$defs", {})
    name = getattr(shape, "__name__", "")
    if document.get("type") == "object" and "properties" in document and isinstance(shape, type):
        parts[name] = document
        document = {"$ref": _REF + name}
    for own, part in parts.items():
        component = ResolvedComponent(
            name=own, type=ResolvedComponent.SCHEMA, schema=_plain(part), object=f"type {own}"
        )
        if component not in registry:
            registry.register(component)
        elif not registry[component].schema:
            registry[component].schema = component.schema
    return _plain(document)


def _plain(part: Any, *, named: bool = False) -> Any:
    """Return the schema without what only people who read Python need.

    These are examples of Python in descriptions, titles (generators name classes after them), and defaults that are objects.
    ``named``: the keys are names of properties.
    """
    if isinstance(part, list):
        return [_plain(item) for item in part]
    if not isinstance(part, dict):
        return part
    if named:
        return {key: _plain(value) for key, value in part.items()}
    found = {}
    for key, value in part.items():
        if key == "title" or (key == "default" and isinstance(value, dict)):
            continue
        # Kept from the naming of enumerations, which would give equal fields of several types one name.
        found[INLINE_ENUM if key == "enum" else key] = _plain(value, named=key == "properties")
    if isinstance(found.get("description"), str):
        found["description"] = found["description"].partition("\n\n>>>")[0].partition("\n\nAttributes\n")[0]
    return found
