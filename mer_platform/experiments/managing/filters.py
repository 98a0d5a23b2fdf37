"""Filters of runs and experiments by what researchers noted on them, for lists of pages and of the API."""

from typing import Any

from django.db.models import QuerySet
from django_filters import CharFilter, ChoiceFilter
from drf_spectacular.utils import extend_schema_field

from mer_platform.rest.filters import ApiFilterSet

ARCHIVED = [("false", "Not archived"), ("true", "Archived"), ("any", "Both")]


def in_archive(rows: "QuerySet[Any]", archived: str) -> "QuerySet[Any]":
    """Return the rows that are archived (``true``), both kinds (``any``), or else those that are not."""
    return rows if archived == "any" else rows.filter(archived_at__isnull=archived != "true")


def with_tags(rows: "QuerySet[Any]", names: list[str]) -> "QuerySet[Any]":
    """Return the rows that have all of these tags, in any case."""
    for name in names:
        rows = rows.filter(pk__in=rows.model.objects.filter(tags__name__iexact=name.strip()).values("pk"))
    return rows


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class TagFilter(CharFilter):
    """Names of tags: the parameter can be repeated."""


class ManagedFilter(ApiFilterSet):
    """Base of the filters of runs and experiments. A list leaves out what is archived unless ``archived`` asks for it."""

    tag = TagFilter(
        method="filter_tag", help_text="Has this tag. Repeat it for several, all of which it must have."
    )
    starred = ChoiceFilter(
        choices=[("true", "Starred"), ("false", "Not starred")], method="filter_starred", null_label=None
    )
    archived = ChoiceFilter(
        choices=ARCHIVED,
        method="filter_archived",
        null_label=None,
        help_text="Without it, a list leaves out what is archived.",
    )
    created_by = CharFilter(field_name="created_by__username", help_text="Username of who launched it.")
    author = CharFilter(field_name="created_by__username", help_text="Use `created_by`.")

    def filter_tag(self, rows: "QuerySet[Any]", _name: str, _value: str) -> "QuerySet[Any]":
        return with_tags(rows, self.data.getlist("tag") if hasattr(self.data, "getlist") else [_value])

    def filter_starred(self, rows: "QuerySet[Any]", _name: str, value: str) -> "QuerySet[Any]":
        return rows.filter(starred=value == "true")

    def filter_archived(self, rows: "QuerySet[Any]", _name: str, value: str) -> "QuerySet[Any]":
        return in_archive(rows, value)
