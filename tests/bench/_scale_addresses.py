"""Every page and list of the platform, filled in with rows of one project."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Count
from django.urls import get_resolver, reverse

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Experiment, Run
from mer_platform.projects.models import Project, Role
from mer_platform.rest.filters import known_orders
from tests.api.access_table import BODIES, TABLE
from tests.api.routes import Route, routes

SPELLED = {"sign-in": "login", "sign-out": "logout"}
# Sign a person out, wait for something, or show a file of the storage, which a filled project does not have.
LEFT_OUT = {
    "login", "logout", "password_change", "clip-pack", "clip-frames", "clip-thumbnail", "clip-flow", "flow-picture-file",
    "attribution-figure", "feature-picture", "feature-sample", "feature-set-picture", "feature-set-sample", "gallery-image",
}  # fmt: skip
QUERIES: dict[str, dict[str, Any]] = {
    "compare-runs": {"run": "@runs"},
    "run-new": {"version": "@run_version"},
}
DEEP = 50  # the page that a reader of a long list opens


@dataclass(frozen=True)
class Asked:
    """An address of one project. ``name`` is the same for each project."""

    name: str
    url: str
    level: str


class FilledProject:
    """The rows of a project by the name of their model: one in the middle of each kind."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.owner = User.objects.get(memberships__project=project, memberships__role=Role.OWNER)
        coding = User.objects.filter(memberships__project=project, assignments__done_at__isnull=True)
        self.coder = coding.filter(assignments__clip__project=project).order_by("pk").first() or self.owner
        run = Run.objects.filter(project=project, state=Run.State.FINISHED).order_by("pk").first()
        largest = CompositeVersion.objects.filter(composite__project=project).annotate(n=Count("samples"))
        self.rows: dict[str, Any] = {
            "project": project,
            "annotator": self.coder,
            "run": run,
            "run_version": run.version if run else None,
            "experiment": Experiment.objects.filter(project=project)
            .annotate(n=Count("runs"))
            .order_by("-n")
            .first(),
            "compositeversion": largest.order_by("-n").first(),
        }
        self.runs = list(run.experiment.runs.filter(state=Run.State.FINISHED)[:4]) if run else []

    def row(self, name: str) -> Any:
        """Return the row of this model, or None."""
        if name not in self.rows:
            self.rows[name] = self._middle(name)
        return self.rows[name]

    def _middle(self, name: str) -> Any:
        model = next((m for m in apps.get_models() if m._meta.model_name == name), None)
        path = _path_to_project(model) if model else None
        if model is None or path is None:
            return None
        rows = model._default_manager.filter(**{path: self.project}).order_by("pk")
        return rows[rows.count() // 2 :].first()

    def addresses(self) -> Iterator[Asked]:
        """Yield each address with GET that can be filled in, lists also far down and in each order."""
        rules = {
            SPELLED.get(words[0], words[0]): words[1:]
            for line in TABLE.splitlines()
            if (words := line.split())
        }
        for route in routes():
            words = rules.get(route.name, [])
            if "GET" not in words or route.name in LEFT_OUT:
                continue
            level = words[words.index("GET") + 1].rstrip("?")
            kwargs = self._variables(route, dict(word.split("=") for word in words if "=" in word[1:]))
            if kwargs is None:
                continue
            url, query = reverse(route.name, kwargs=kwargs), self._query(route.name)
            for name, more in self._variants(route):
                asked = urlencode({**query, **more}, doseq=True)
                yield Asked(name, f"{url}?{asked}" if asked else url, level)

    def _variables(self, route: Route, stated: dict[str, str]) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        for variable in route.variables:
            said = stated.get(variable, "")
            if said.startswith("text:"):
                found[variable] = said.removeprefix("text:")
                continue
            if variable == "slug":
                found[variable] = self.project.slug
                continue
            words = route.name.split("-")
            names = [said] if said else ["".join(words[:count]) for count in (3, 2, 1)]
            row = next((row for name in names if (row := self.row(name))), None)
            if row is None:
                return None
            found[variable] = row.pk
        return found

    def _query(self, name: str) -> dict[str, Any]:
        given = QUERIES.get(name) or BODIES.get(f"GET {name}", {})
        return {key: self._filled(value) for key, value in given.items()}

    def _filled(self, value: Any) -> Any:
        if value == "@runs":
            return [run.pk for run in self.runs]
        if isinstance(value, str) and value.startswith("@"):
            return getattr(self.row(value[1:]), "pk", "")
        return value

    def _variants(self, route: Route) -> Iterator[tuple[str, dict[str, str]]]:
        yield route.name, {}
        view = _views().get(route.name)
        if route.name in ("clips", "batch", "version"):
            yield f"{route.name} page {DEEP}", {"page": str(DEEP)}
        if route.is_api and route.name.endswith("-list") and view is not None:
            for order in known_orders(view):
                yield f"{route.name} by {order}", {"ordering": f"-{order}"}
                yield f"{route.name} by {order}, cursor", {"ordering": order, "cursor": ""}


def _views() -> dict[str, Any]:
    found = {}

    def walk(entries: list[Any]) -> None:
        for entry in entries:
            if hasattr(entry, "url_patterns"):
                walk(entry.url_patterns)
            elif cls := getattr(entry.callback, "cls", None):
                found[entry.name] = cls

    walk(get_resolver().url_patterns)
    return found


def _path_to_project(model: type[models.Model]) -> str | None:
    """Return the shortest way over foreign keys that must be set, or can, from a model to its project."""
    waiting = deque([(model, "")])
    seen = {model}
    while waiting:
        here, path = waiting.popleft()
        for field in here._meta.concrete_fields:
            if not isinstance(field, models.ForeignKey):
                continue
            target, way = field.related_model, f"{path}{field.name}"
            if target is Project:
                return way
            if target not in seen and target.__module__.startswith("mer_platform."):
                seen.add(target)
                waiting.append((target, f"{way}__"))
    return None
