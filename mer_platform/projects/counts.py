"""Numbers of related rows, each counted by itself: a join of two related tables would have as many rows as their product."""

from typing import Any

from django.apps import apps
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce


def count_of(model: str, field: str) -> Coalesce:
    """Return the number of rows of a model, such as ``clips.Clip``, whose ``field`` is the row that is annotated."""
    rows: Any = apps.get_model(model)._default_manager.filter(**{field: OuterRef("pk")}).order_by()
    counted = rows.values(field).annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
