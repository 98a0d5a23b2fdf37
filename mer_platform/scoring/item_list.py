"""Which items of a batch are listed on its page, and in which order."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.http import QueryDict

from mer_platform.scoring.blindness import Blindness
from mer_platform.scoring.doubt import Measure
from mer_platform.scoring.models import ScoringBatch, ScoringItem

SORTS = {
    "": "Order of the batch",
    "confidence": "Confidence",
    Measure.MARGIN.value: "Margin",
    Measure.ENTROPY.value: "Entropy",
    Measure.DISAGREEMENT.value: "Disagreement of networks",
    Measure.SPOTTER.value: "Confidence of the spotter",
}
FLAGS = {
    "warnings": "with warnings",
    "training": "in the training data",
    "no_expression": "no expression found",
}


@dataclass(frozen=True)
class ItemList:
    """A choice of items, as the address states it. What is unknown in the address is left out."""

    state: str = ""
    predicted: str = ""
    flag: str = ""
    sort: str = ""
    descending: bool = False

    @classmethod
    def of(cls, asked: QueryDict, classes: list[str]) -> "ItemList":
        def one_of(name: str, known: Any) -> str:
            value = asked.get(name, "")
            return value if value in known else ""

        return cls(
            one_of("state", ScoringItem.State.values),
            one_of("predicted", classes),
            one_of("flag", FLAGS),
            one_of("sort", SORTS),
            asked.get("order") == "desc",
        )

    @property
    def filtered(self) -> bool:
        return bool(self.state or self.predicted or self.flag)

    def items(self, batch: ScoringBatch, blindness: Blindness) -> QuerySet[ScoringItem]:
        """Return the chosen items with their clips, in the chosen order; items without the measure come last.

        If what is hidden of some chooses or orders them, those whose results are hidden are left out.
        """
        rows = batch.items.select_related("clip__subject__database")
        if self.predicted or self.flag in ("no_expression", "warnings") or self.sort in ScoringItem.BLIND:
            rows = blindness.without_hidden(rows)
        if self.state:
            rows = rows.filter(state=self.state)
        if self.predicted:
            rows = rows.filter(predicted=self.predicted)
        if self.flag == "warnings":
            rows = rows.exclude(warnings=[])
        if self.flag == "training":
            rows = rows.filter(in_training=True)
        if self.flag == "no_expression":
            rows = rows.filter(outcome=ScoringItem.Outcome.NO_EXPRESSION)
        if not self.sort:
            return rows.order_by("-pk" if self.descending else "pk")
        by = F(self.sort)
        order = by.desc(nulls_last=True) if self.descending else by.asc(nulls_last=True)
        return rows.order_by(order, "pk")


def counted(batch: ScoringBatch, blindness: Blindness) -> dict[str, int]:
    """Count the items with each flag, in one query, without those whose results are hidden."""
    return blindness.without_hidden(batch.items.all()).aggregate(
        warnings=Count("pk", filter=~Q(warnings=[])),
        training=Count("pk", filter=Q(in_training=True)),
        no_expression=Count("pk", filter=Q(outcome=ScoringItem.Outcome.NO_EXPRESSION)),
    )
