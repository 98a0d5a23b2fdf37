"""Which samples a reader asks for, as in the address: ``?run=1&run=2&kind=disagree&true=negative&subject=…``.

run        : ids of runs on one version, up to 20
by         : one of these runs, which ``kind=wrong``, ``predicted`` and the confidence then refer to
kind       : see ``KINDS``; by default disagreements, or what a single run gets wrong
true, predicted, database, subject : only these; ``subject`` includes the database, as in ``CASME II/sub01``
features   : id of the feature set whose images are shown; by default that of the chosen or first run
sort       : see ``SORTS``: the most confident, the narrowest margin, the largest disagreement first
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
from django.http import QueryDict
from numpy.typing import NDArray

from mer_platform.experiments.comparison.comparing import choose_runs
from mer_platform.experiments.gallery.outcomes import (
    CONFIDENT,
    Confidence,
    Mask,
    Outcomes,
    confidence_of,
    outcomes_of,
)
from mer_platform.experiments.models import Run
from mer_platform.projects.access import row_id
from mer_platform.projects.models import Project
from models_ml.classes import CLASSES
from models_ml.errors import InputError

KINDS = ("disagree", "all-wrong", "wrong", "confident", "all-correct", "all")
SORTS = {
    "confidence": "Confidence",
    "margin": "Margin",
    "disagreement": "Disagreement",
    "subject": "Subject",
    "order": "Version’s order",
}
FILTERS = ("true", "predicted", "database", "subject")


@dataclass(frozen=True)
class Question:
    """Samples that a reader asks for. Empty texts ask for all."""

    by: Run | None = None
    kind: str = "all"
    true: str = ""
    predicted: str = ""
    database: str = ""
    subject: str = ""
    sort: str = "order"
    features: str = ""

    def parameters(self, runs: Sequence[Run]) -> list[tuple[str, Any]]:
        """Return the address's parameters that ask for these samples."""
        own = [("run", run.pk) for run in runs]
        own += [("by", self.by.pk)] if self.by else []
        names = ("kind", *FILTERS, "sort", "features")
        return own + [(name, getattr(self, name)) for name in names if getattr(self, name)]

    def query(self, runs: Sequence[Run]) -> str:
        return urlencode(self.parameters(runs))


def parse_question(asked: Mapping[str, str], outcomes: Outcomes) -> Question:
    """Return what an address asks for. Raises InputError that names a parameter with an unknown value."""
    several = len(outcomes.runs) > 1
    chosen = {
        "kind": asked.get("kind") or ("disagree" if several else "wrong"),
        "sort": asked.get("sort") or ("disagreement" if several else "confidence"),
        **{name: asked.get(name) or "" for name in FILTERS},
    }
    known: dict[str, Sequence[str]] = {
        "kind": KINDS,
        "sort": tuple(SORTS),
        "true": CLASSES,
        "predicted": CLASSES,
        "database": sorted({sample.database for sample in outcomes.samples}),
        "subject": sorted({sample.subject for sample in outcomes.samples}),
    }
    for name, value in chosen.items():
        if value and value not in known[name]:
            if name in ("database", "subject"):
                raise InputError(f"{name.capitalize()} “{value[:60]}” not found in {outcomes.version}.")
            raise InputError(f"“{name}” must be one of {', '.join(known[name])}; it is “{value[:60]}”.")
    features = row_id(asked.get("features"))
    return Question(
        by=_run_of(asked.get("by"), outcomes.runs), features=str(features) if features > 0 else "", **chosen
    )


def _run_of(text: str | None, runs: Sequence[Run]) -> Run | None:
    if not text:
        return None
    for run in runs:
        if run.pk == row_id(text):
            return run
    raise InputError(f"“by” must be one of the runs shown; it is “{text[:20]}”.")


class Option(NamedTuple):
    """A value that a filter can have, and how many samples it would leave with the other filters as they are."""

    value: str
    title: str
    samples: int
    chosen: bool


@dataclass(frozen=True)
class Answer:
    """The samples that match a question, and how many would match with another value of one filter."""

    outcomes: Outcomes
    question: Question

    @property
    def reference(self) -> Run:
        """The run that confidence refers to: the chosen one, or the first."""
        return self.question.by or self.outcomes.runs[0]

    @cached_property
    def confidence(self) -> Confidence:
        return confidence_of(self.reference, len(self.outcomes.samples))

    @cached_property
    def indices(self) -> list[int]:
        """The samples' positions in the version, in the order that was asked for."""
        found = np.flatnonzero(self._all_masks())
        return [int(index) for index in found[np.argsort(self._sort_keys()[found], kind="stable")]]

    def options(self, name: str) -> list[Option]:
        """Return the values of a filter with their counts. Subjects and databases without a sample are left out."""
        others = self._all_masks(without=name)
        values: Sequence[tuple[str, str]]
        if name == "kind":
            values = [(kind, self.kind_in_words(kind)) for kind in self._kinds()]
        elif name in ("true", "predicted"):
            values = [(label, label.capitalize()) for label in CLASSES]
        else:
            everything = sorted({getattr(sample, name) for sample in self.outcomes.samples})
            values = [(value, value.replace("/", " / ", 1)) for value in everything]
        chosen = getattr(self.question, name)
        options = [
            Option(value, title, int((others & self._mask(name, value)).sum()), value == chosen)
            for value, title in values
        ]
        return [
            option
            for option in options
            if option.samples or option.chosen or name not in ("database", "subject")
        ]

    def kind_in_words(self, kind: str) -> str:
        by, several = self.question.by, len(self.outcomes.runs) > 1
        who = f"#{by.pk}" if by and several else "At least one run"
        return {
            "disagree": "Runs disagree",
            "all-wrong": "All runs wrong",
            "wrong": f"{who} wrong" if several else "Wrong",
            "confident": f"{f'#{self.reference.pk} wrong' if several else 'Wrong'}, probability ≥ {CONFIDENT:.2f}",
            "all-correct": "All runs correct" if several else "Correct",
            "all": "All samples",
        }[kind]

    def _kinds(self) -> Sequence[str]:
        if len(self.outcomes.runs) > 1:
            return KINDS
        return [kind for kind in KINDS if kind not in ("disagree", "all-wrong") or kind == self.question.kind]

    def _all_masks(self, without: str = "") -> Mask:
        asked = self.question
        masks = [self._mask(name, getattr(asked, name)) for name in ("kind", *FILTERS) if name != without]
        return np.logical_and.reduce([self.outcomes.tested.any(axis=0), *masks])

    def _mask(self, name: str, value: str) -> Mask:
        if name == "kind":
            return self._masks_of_kinds[value]()
        if not value:
            return np.ones(len(self.outcomes.samples), np.bool_)
        if name == "true":
            return self.outcomes.true == CLASSES.index(value)
        if name == "predicted":
            return self._by_run(self.outcomes.predicted == CLASSES.index(value))
        return self._column(name) == value

    def _column(self, name: str) -> NDArray[np.object_]:
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, NDArray[np.object_]]:
        samples = self.outcomes.samples
        return {
            name: np.array([getattr(sample, name) for sample in samples], object)
            for name in ("database", "subject")
        }

    @cached_property
    def _masks_of_kinds(self) -> dict[str, Callable[[], Mask]]:
        outcomes = self.outcomes
        wrong, tested = outcomes.wrong, outcomes.tested
        return {
            "disagree": lambda: (outcomes.votes > 0).sum(axis=0) > 1,
            "all-wrong": lambda: (wrong == tested).all(axis=0),
            "wrong": lambda: self._by_run(wrong),
            "confident": lambda: self._of_reference(wrong) & (self.confidence.probability >= CONFIDENT),
            "all-correct": lambda: ~wrong.any(axis=0),
            "all": lambda: np.ones(len(outcomes.samples), np.bool_),
        }

    def _by_run(self, of_runs: Mask) -> Mask:
        """(N,) of (R, N): what holds of the chosen run, or of at least one if none is chosen."""
        return self._of_reference(of_runs) if self.question.by else np.asarray(of_runs.any(axis=0))

    def _of_reference(self, of_runs: Mask) -> Mask:
        return np.asarray(of_runs[list(self.outcomes.runs).index(self.reference)])

    def _sort_keys(self) -> NDArray[np.float64]:
        """(N,), the lowest first; a sample without a probability comes last."""
        samples = self.outcomes.samples
        sort = self.question.sort
        if sort == "confidence":
            return np.nan_to_num(-self.confidence.probability, nan=np.inf)
        if sort == "margin":
            return np.nan_to_num(self.confidence.margin, nan=np.inf)
        if sort == "disagreement":
            return -self.outcomes.disagreement
        if sort == "subject":
            place = {subject: n for n, subject in enumerate(sorted({sample.subject for sample in samples}))}
            return np.array([place[sample.subject] for sample in samples], np.float64)
        return np.arange(len(samples), dtype=np.float64)

    def with_kind(self, kind: str) -> str:
        """Return the query string of the same question about another kind of samples."""
        return replace(self.question, kind=kind).query(self.outcomes.runs)


def answer_to(asked: QueryDict, project: Project, user: Any) -> Answer | None:
    """Return the samples that an address asks for, or None if it names no run. Raises InputError as the other two do."""
    runs = runs_shown(asked.getlist("run"), project, user)
    return answer_about(runs, asked) if runs else None


def runs_shown(texts: Sequence[str], project: Project, user: Any) -> list[Run]:
    """Return the runs with the given ids. Raises InputError if one does not exist, has no scores or hidden ones."""
    # The metrics are large, and only the predictions are read.
    large = [f"stored_results__{name}" for name in ("evaluation", "intervals")]
    return choose_runs(Run.objects.filter(project=project).defer(*large), texts, user)


def answer_about(runs: Sequence[Run], asked: QueryDict) -> Answer:
    """Return the samples of runs, at least one, that an address asks for.

    Raises InputError if the runs are on different versions, or if a filter has an unknown value.
    """
    outcomes = outcomes_of(runs)
    return Answer(outcomes, parse_question(asked, outcomes))
