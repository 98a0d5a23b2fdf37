"""Several runs side by side: each compared with the first, and the samples on which they disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from mer_platform.composites.blindness import hidden_clips, why_scores_hidden
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.experiments.models import Run
from mer_platform.experiments.naming import setting_differences
from mer_platform.experiments.results import ABSENT, Results, paired_with_first, results_of
from mer_platform.projects.access import row_id
from mer_platform.projects.models import Project
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.paired import Paired, holm

SCORED = (Run.State.FINISHING, Run.State.FINISHED)
MAX_COMPARED = 20


@dataclass(frozen=True)
class AgainstReference:
    """One run compared with the first run (the reference), or the reason why the two cannot be paired.

    adjusted : p of each score, adjusted by Holm's method for all runs that are compared with the reference
    """

    run: Run
    paired: Paired | None
    adjusted: dict[str, float]
    reason: str

    def as_json(self) -> dict[str, Any]:
        if self.paired is None:
            return {"run": self.run.pk, "paired": None, "reason": self.reason}
        scores = {
            name: {
                "difference": difference.value,
                "interval_95": difference.interval,
                "p": difference.p,
                "p_holm": self.adjusted[name],
            }
            for name, difference in self.paired.differences.items()
        }
        return {"run": self.run.pk, "paired": {**scores, "mcnemar": vars(self.paired.mcnemar)}, "reason": ""}


@dataclass(frozen=True)
class Disagreement:
    """A sample that runs predict differently; ``predicted`` is in the order of the runs."""

    sample: Sample
    predicted: list[str]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side. The first one is the reference."""

    runs: list[Run]
    results: list[Results]
    against: list[AgainstReference]
    settings: list[tuple[str, list[str]]]

    @property
    def on_same_samples(self) -> bool:
        return all(other.paired is not None for other in self.against)

    @property
    def any_external(self) -> bool:
        return any(run.is_external for run in self.runs)

    def disagreements(self) -> list[Disagreement]:
        """Return the samples that the runs predict differently, in the version's order. All runs must be on one version."""
        by_sample = [
            set(digits) for digits in zip(*(results.predicted for results in self.results), strict=True)
        ]
        differing = [index for index, digits in enumerate(by_sample) if len(digits - {ABSENT}) > 1]
        samples = Sample.objects.filter(version=self.runs[0].version_id, index__in=differing).order_by(
            "index"
        )
        return [
            Disagreement(sample, [CLASSES[int(results.predicted[sample.index])] for results in self.results])
            for sample in samples
        ]


def choose_runs(runs: QuerySet[Run], texts: Sequence[str], user: Any) -> list[Run]:
    """Return the runs with the given ids, in that order, each once.

    Raises InputError if there are too many, or if one is not among ``runs``, has no scores, or has scores that are hidden
    from the user.
    """
    ids: dict[int, str] = {}
    for text in texts:
        ids.setdefault(row_id(text), text)
    if len(ids) > MAX_COMPARED:
        raise InputError(f"{len(ids)} runs are too many to compare. Choose at most {MAX_COMPARED}.")
    found = runs.select_related("version__composite", "stored_results").in_bulk(list(ids))
    for pk, text in ids.items():
        if pk not in found:
            raise InputError(f"Run “{text}” not found.")
    chosen = [found[pk] for pk in ids]
    for run in chosen:
        if not run.scored:
            raise InputError(f"{run} has no scores to compare; it is {run.get_state_display()}.")
    for version in dict.fromkeys(run.version_id for run in chosen):
        if hidden := why_scores_hidden(user, version):
            raise InputError(hidden)
    return chosen


def comparable_runs(project: Project, user: Any) -> QuerySet[Run]:
    """Return the runs whose scores the user may see, the latest first."""
    versions = CompositeVersion.objects.filter(composite__project=project).values_list("pk", flat=True)
    runs = Run.objects.filter(project=project, state__in=SCORED).exclude(
        version__in=hidden_clips(user, versions)
    )
    return runs.select_related("version__composite", "stored_results").order_by("-pk")


def query_of(runs: Sequence[Run]) -> str:
    """Return the query string that asks a page for these runs: ``run=1&run=2``."""
    return urlencode([("run", run.pk) for run in runs])


def compare_runs(runs: list[Run]) -> Comparison:
    """Compare runs with scores, at least one."""
    found = paired_with_first(runs)
    known = [both for both in found if isinstance(both, Paired)]
    adjusted: dict[str, list[float]] = {
        name: holm([both.differences[name].p for both in known]) for name in ("uf1", "uar", "accuracy")
    }
    against, rank = [], 0
    for run, both in zip(runs[1:], found, strict=True):
        if isinstance(both, Paired):
            own = {name: values[rank] for name, values in adjusted.items()}
            against.append(AgainstReference(run, both, own, ""))
            rank += 1
        else:
            against.append(AgainstReference(run, None, {}, str(both)))
    return Comparison(runs, [results_of(run) for run in runs], against, setting_differences(runs))
