"""Sparse answers: ``?fields=id,name`` leaves all other fields out, and does not compute them."""

from typing import Any

from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer, ListSerializer

from mer_platform.rest.errors import ParametersRefused
from mer_platform.rest.schema.described import Described

PARAMETER = "fields"
FIELDS_HELP = "Only these fields, separated by commas, for example `id,name`. The others are not computed."


class SparseMixin(viewsets.GenericViewSet):
    """Part of ``ApiViewSet``: what ``get_serializer`` returns for reading has only the fields that were asked for."""

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        serializer = super().get_serializer(*args, **kwargs)
        return serializer if "data" in kwargs else narrowed(serializer, self.request)

    def describe(self, described: Described) -> None:
        super().describe(described)  # type: ignore[misc]
        shows_row = described.action in (
            "retrieve",
            "partial_update",
        )  # a change answers with the changed row
        if shows_row or (described.method == "GET" and described.is_list):
            described.add_parameter(PARAMETER, FIELDS_HELP)

    def wants(self, name: str) -> bool:
        """Return whether the answer has this field, to save the queries for it otherwise."""
        asked = asked_fields(self.request)
        return asked is None or name in asked


def asked_fields(request: Request) -> list[str] | None:
    """Return the fields that a request asks for; None for all."""
    text = request.query_params.get(PARAMETER)
    return None if text is None else [name.strip() for name in text.split(",")]


def narrowed(serializer: BaseSerializer[Any], request: Request) -> Any:
    """Return the serializer without the fields that were not asked for. Raises ParametersRefused for unknown ones."""
    asked = asked_fields(request)
    if asked is None:
        return serializer
    one: Any = serializer.child if isinstance(serializer, ListSerializer) else serializer
    known = [name for name, field in one.fields.items() if not field.write_only]
    if unknown := [name for name in asked if name not in known]:
        raise ParametersRefused(
            {PARAMETER: [f"There is no field “{unknown[0][:60]}”. Known: {', '.join(known)}."]}
        )
    for name in list(one.fields):
        if name not in asked:
            one.fields.pop(name)
    return serializer
