"""Models of pydantic as components: what they validate is described once."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ResolvedComponent, append_meta
from pydantic import BaseModel
from rest_framework import serializers

_REF = "#/components/schemas/"


class PydanticField(serializers.JSONField):
    """A field of JSON that a model of pydantic describes.

    Parameters
    ----------
    model
        The model, or a function that returns it if it is known only later.
    stored
        The field shows what was stored, perhaps by another version of the platform: it may also be another object.
    """

    def __init__(
        self,
        model: type[BaseModel] | Callable[[], type[BaseModel]],
        *,
        stored: bool = False,
        **settings: Any,
    ) -> None:
        self.describing = model
        self.stored = stored
        super().__init__(**settings)

    @property
    def model(self) -> type[BaseModel]:
        """The model that describes the field."""
        return self.describing if isinstance(self.describing, type) else self.describing()


class PydanticFieldExtension(OpenApiSerializerFieldExtension):
    """Describes a ``PydanticField`` by the component of its model."""

    target_class = PydanticField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        field: PydanticField = self.target
        schema = model_reference(field.model, auto_schema.registry)
        if field.stored:
            other = {"type": "object", "additionalProperties": True, "description": "Of another version."}
            schema = {"anyOf": [schema, other]}
        meta = auto_schema._get_serializer_field_meta(field, direction)
        meta.pop("default", None)  # filled in by the model
        return append_meta(schema, meta)


def model_reference(model: type[BaseModel], registry: Any) -> dict[str, Any]:
    """Return a reference to the component of a model. The model, and those it consists of, are registered."""
    document = model.model_json_schema(ref_template=_REF + "{model}")
    parts = {**document.pop("$defs", {}), model.__name__: document}
    for name, part in parts.items():
        registry.register_on_missing(
            ResolvedComponent(
                name=name,
                type=ResolvedComponent.SCHEMA,
                schema=_plain(part),
                object=f"pydantic {name}",
            )
        )
    return {"$ref": _REF + model.__name__}


def _plain(part: Any) -> Any:
    """Return the schema without examples of Python in its descriptions, and without titles that repeat names."""
    if isinstance(part, list):
        return [_plain(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: _plain(value) for key, value in part.items()}
    if isinstance(found.get("description"), str):
        found["description"] = found["description"].partition("\n\n>>>")[0].partition("\n\nAttributes\n")[0]
    return found
