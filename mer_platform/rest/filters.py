"""How every list is filtered, searched and ordered: by what its view declares, and by nothing else."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import QuerySet
from django_filters import Filter, IsoDateTimeFilter, NumberFilter
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from django_filters.utils import get_model_field
from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.plumbing import get_view_model
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.filters import BaseFilterBackend, SearchFilter
from rest_framework.request import Request

from mer_platform.rest.errors import ParametersRefused

_CREATED = {
    "created_after": (
        "gte",
        "Created at or after this time, for example 2026-01-31 or 2026-01-31T12:00:00Z.",
    ),
    "created_before": ("lt", "Created before this time."),
}
_LARGEST_ID = 2**63 - 1


class IdField(forms.IntegerField):
    def __init__(self, **settings: Any) -> None:
        super().__init__(min_value=1, max_value=_LARGEST_ID, **settings)


@extend_schema_field(OpenApiTypes.INT)
class IdFilter(NumberFilter):
    """The id of another row. An id that does not exist finds nothing."""

    field_class = IdField

    def get_max_validator(self) -> None:
        """Leave the bounds to the field."""


class YesNoField(forms.TypedChoiceField):
    def __init__(self, **settings: Any) -> None:
        settings.pop("null_label", None)
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", empty_value=None, **settings)


@extend_schema_field(OpenApiTypes.BOOL)
class YesNoFilter(Filter):
    """``true`` or ``false``, and nothing else."""

    field_class = YesNoField


class ApiFilterSet(FilterSet):
    """Base of the filters of lists. Rows that know when they were created have ``created_after`` and ``created_before``."""

    FILTER_DEFAULTS = {
        **FilterSet.FILTER_DEFAULTS,
        models.ForeignKey: {"filter_class": IdFilter},
        models.OneToOneField: {"filter_class": IdFilter},
        models.AutoField: {"filter_class": IdFilter},
        models.BigAutoField: {"filter_class": IdFilter},
        models.BooleanField: {"filter_class": YesNoFilter},
    }
    created_field = "created_at"

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        """Return the declared filters and those of the time of creation."""
        filters: dict[str, Any] = super().get_filters()
        model = cls._meta.model
        if model is not None and _has_field(model, cls.created_field):
            for name, (lookup, text) in _CREATED.items():
                filters.setdefault(name, IsoDateTimeFilter(cls.created_field, lookup, help_text=text))
        return filters


class ApiFilterBackend(DjangoFilterBackend):
    """Filters a list by what its view declares.

    ``filters`` maps each parameter to the field that it compares, such as ``{"database": "subject__database"}``, or to a
    filter. ``renamed`` maps earlier names of parameters, which keep working and are marked as deprecated, to the new ones.
    A view may have a ``filterset_class`` instead. ``created_field`` names the time of creation, if it is not ``created_at``.
    """

    filterset_base = ApiFilterSet

    def get_filterset_class(self, view: Any, queryset: Any = None) -> Any:
        """Return the filters of the view, which has those of the time of creation even if it declares none."""
        if queryset is None or getattr(view, "filterset_class", None) is not None:
            return super().get_filterset_class(view, queryset)
        declared = dict(getattr(view, "filters", {}))
        for name in getattr(view, "filterset_fields", None) or ():
            declared.setdefault(name, name)
        for old, new in getattr(view, "renamed", {}).items():
            declared[old] = declared[new]
        return filterset_of(queryset.model, declared, getattr(view, "created_field", "created_at"))


def filterset_of(model: Any, declared: Mapping[str, Any], created: str = "created_at") -> type[ApiFilterSet]:
    """Return a class of filters: by parameter, the field that it compares, or a filter."""
    made: dict[str, Any] = {}
    for name, compared in declared.items():
        if isinstance(compared, str):
            field = get_model_field(model, compared)
            made[name] = ApiFilterSet.filter_for_field(field, compared, "exact")
        else:
            made[name] = copy.deepcopy(compared)
    meta = type("Meta", (), {"model": model, "fields": []})
    return type(f"{model.__name__}Filter", (ApiFilterSet,), {"Meta": meta, "created_field": created, **made})


class ApiFilterExtension(DjangoFilterExtension):
    """Describes the filters of lists, and marks those that were renamed."""

    target_class = "mer_platform.rest.filters.ApiFilterBackend"
    priority = 1

    def get_schema_operation_parameters(
        self, auto_schema: Any, *args: Any, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Return the parameters for the schema."""
        view = auto_schema.view
        model = getattr(view, "listed_model", None) or get_view_model(view)
        if model is None:
            return []
        found: list[dict[str, Any]] = []
        filters = self.target.get_filterset_class(view, model._default_manager.none())
        for name, filter_ in filters.base_filters.items() if filters else ():
            found += self.resolve_filter_field(auto_schema, model, filters, name, filter_)
        renamed = getattr(view, "renamed", {})
        for parameter in found:
            if new := renamed.get(parameter["name"]):
                parameter["deprecated"] = True
                parameter["description"] = f"Use `{new}`."
        return found


class OrderingFilter(BaseFilterBackend):
    """``?ordering=``: by the fields that ``ordering_fields`` of the view declares, and by id among equals.

    ``ordering_fields`` maps what the API calls a field to where the database has it; names that are the same may be a list.
    """

    parameter = "ordering"

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        """Return the rows in the order that was asked for. Raises ParametersRefused that names the known fields."""
        if not isinstance(queryset, QuerySet):
            return queryset
        text = request.query_params.get(self.parameter, "").strip()
        if not text:
            return queryset
        known = known_orders(view)
        wanted = []
        for part in (part.strip() for part in text.split(",")):
            name = part.removeprefix("-")
            if name not in known:
                raise ParametersRefused(
                    {
                        self.parameter: [
                            f"Cannot order by “{name[:60]}”. Known: {', '.join(known) or 'nothing'}."
                        ]
                    }
                )
            wanted.append(("-" if part.startswith("-") else "") + known[name])
        if not any(name.removeprefix("-") in ("pk", "id") for name in wanted):
            wanted.append("-pk" if wanted[-1].startswith("-") else "pk")
        return queryset.order_by(*wanted)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameter for the schema."""
        known = known_orders(view)
        if not known:
            return []
        names = ", ".join(f"`{name}`" for name in known)
        return [
            {
                "name": self.parameter,
                "in": "query",
                "required": False,
                "description": f"One or several of {names}, separated by commas; with “-” in descending order.",
                "schema": {"type": "string"},
            }
        ]


class ApiSearchFilter(SearchFilter):
    """``?search=``: words that ``search_fields`` of the view contain, in any case. All words must be found."""

    search_title = "Search"

    def get_search_terms(self, request: Request) -> Any:
        """Return the words. Raises ParametersRefused if there are too many."""
        terms = super().get_search_terms(request)
        if len(terms) > 10:
            raise ParametersRefused(
                {self.search_param: [f"A search has at most 10 words, not {len(terms)}."]}
            )
        return terms

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameter for the schema, if the view searches anything."""
        fields = getattr(view, "search_fields", ())
        if not fields:
            return []
        names = ", ".join(name.replace("__", " ") for name in fields)
        return [
            {
                "name": self.search_param,
                "in": "query",
                "required": False,
                "description": f"Words that are all contained in: {names}.",
                "schema": {"type": "string"},
            }
        ]


def known_orders(view: Any) -> dict[str, str]:
    """Return what a list can be ordered by: the name in the API, and the field. The id is always among them."""
    declared: Mapping[str, str] | Sequence[str] = getattr(view, "ordering_fields", ())
    fields = dict(declared) if isinstance(declared, Mapping) else {name: name for name in declared}
    return {"id": "pk", **fields}


def _has_field(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
