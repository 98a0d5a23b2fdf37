"""The list of experiments: which of them its address asks for, and in which order."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import QueryDict

from mer_platform.experiments.managing.choosing import matches
from mer_platform.experiments.managing.filters import ARCHIVED, in_archive, with_tags
from mer_platform.experiments.models import Experiment
from mer_platform.experiments.models.experiments import ExperimentQuerySet
from mer_platform.projects.access import row_id
from mer_platform.projects.models import Project

ORDERS: dict[str, tuple[str, list[Any]]] = {
    "": ("Latest first", ["-pk"]),
    "oldest": ("Oldest first", ["pk"]),
    "name": ("Name", [Lower("name"), "pk"]),
    "runs": ("Most runs first", ["-runs_total", "-pk"]),
}


@dataclass(frozen=True)
class Listing:
    """What the address of the list asks for; what it does not know counts as not asked for."""

    project: Project
    q: str = ""
    state: str = ""
    tag: str = ""
    author: str = ""
    starred: bool = False
    archived: str = "false"
    order: str = ""

    @classmethod
    def of(cls, project: Project, data: QueryDict) -> "Listing":
        given = {name: data.get(name, "").replace("\0", "").strip()[:200] for name in ("q", "tag", "author")}
        state, archived, order = data.get("state", ""), data.get("archived", ""), data.get("order", "")
        return cls(
            project,
            state=state if state in Experiment.State.values else "",
            starred=data.get("starred") == "true",
            archived=archived if archived in dict(ARCHIVED) else "false",
            order=order if order in ORDERS else "",
            **given,
        )

    @property
    def filtered(self) -> bool:
        return self.address != Listing(self.project, order=self.order).address

    @property
    def address(self) -> str:
        """The query of the address, without what is usual: "?q=pool", or an empty string."""
        usual = Listing(self.project)
        names = ("q", "state", "tag", "author", "starred", "archived", "order")
        pairs = {name: getattr(self, name) for name in names if getattr(self, name) != getattr(usual, name)}
        return f"?{urlencode(pairs | ({'starred': 'true'} if self.starred else {}))}" if pairs else ""

    def all(self) -> ExperimentQuerySet:
        """Return the project's experiments that are more than a single run. Single runs are on the page of runs."""
        counted = Experiment.objects.with_counts().filter(project=self.project, sweep__isnull=False)
        return counted.filter(Q(runs_total__gt=1) | ~Q(sweep__grid={}))

    def experiments(self) -> "QuerySet[Experiment]":
        """Return those that match, in order."""
        counted = self.all()
        if self.state:
            counted = counted.in_state(self.state)
        found = in_archive(counted, self.archived)
        for word in self.q.split():
            by_text = (
                Q(name__icontains=word)
                | Q(notes__icontains=word)
                | Q(version__composite__name__icontains=word)
            )
            found = found.filter(by_text | Q(pk=row_id(word.removeprefix("#"))))
        if self.tag:
            found = with_tags(found, [self.tag])
        if self.author:
            found = found.filter(created_by__username=self.author)
        if self.starred:
            found = found.filter(starred=True)
        return found.order_by(*ORDERS[self.order][1])

    def choices(self) -> dict[str, Any]:
        """Return the values that the form of filters offers."""
        own = Experiment.objects.filter(project=self.project)
        authors = own.filter(created_by__isnull=False).order_by("created_by__username")
        return {
            "states": Experiment.State.choices,
            "authors": authors.values_list("created_by__username", flat=True).distinct(),
            "archives": ARCHIVED,
            "orders": [(value, words) for value, (words, _) in ORDERS.items()],
        }


@matches(Experiment)
def matching(project: Project, _user: Any, data: QueryDict) -> list[int]:
    """Return the ids of the experiments that an address of the list asks for."""
    return list(Listing.of(project, data).experiments().values_list("pk", flat=True))
