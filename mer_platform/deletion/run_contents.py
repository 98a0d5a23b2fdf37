"""What the deletion of runs or experiments removes, counted before anything is deleted, and what it leaves and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet, Sum

from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.composites.blindness import hidden_clips
from mer_platform.deletion.contents import WORDS
from mer_platform.deletion.kinds import KINDS, Holdings
from mer_platform.deletion.unused_features import unused_features, unused_ranges
from mer_platform.experiments.models import (
    Attribution,
    Baseline,
    Experiment,
    Fold,
    FoldWeights,
    Prediction,
    Run,
)
from mer_platform.features.models import FeatureRange
from mer_platform.jobs.models import Job
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem

SHOWN = 3


@dataclass(frozen=True)
class Kept:
    """A run or experiment that cannot be deleted, and the scoring batches that need a model of it."""

    row: Run | Experiment
    batches: list[ScoringBatch] = field(repr=False)

    @property
    def reason(self) -> str:
        named = [str(batch) for batch in self.batches[:SHOWN]]
        if more := len(self.batches) - SHOWN:
            named = [*named, f"{more} more"] if more > 0 else named
        listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
        model = "its model" if isinstance(self.row, Run) else "a model of it"
        return (
            f"Cannot delete {_named(self.row)}: {model} scored the clips of {listed}. Archive it instead: lists then leave "
            "it out."
        )


@dataclass(frozen=True)
class RunContents:
    """Rows of one kind and project that should be deleted: what goes with them, and which of them stay."""

    asked: Sequence[Run | Experiment]
    kept: Sequence[Kept]

    @classmethod
    def of(cls, rows: Sequence[Run | Experiment]) -> "RunContents":
        """Raises ValueError without rows."""
        if not rows:
            raise ValueError("There is nothing to delete.")
        of_runs = isinstance(rows[0], Run)
        path = "model__run" if of_runs else "model__run__experiment"
        found = ScoringBatch.objects.filter(**{f"{path}__in": [row.pk for row in rows]}).order_by("pk")
        batches: dict[int, list[ScoringBatch]] = {}
        for batch in found.select_related("model__run"):
            if run := batch.model.run:
                batches.setdefault(run.pk if of_runs else run.experiment_id, []).append(batch)
        return cls(rows, [Kept(row, batches[row.pk]) for row in rows if row.pk in batches])

    @property
    def project(self) -> Any:
        return self.asked[0].project

    @cached_property
    def rows(self) -> list[Run | Experiment]:
        """Those of the asked rows that go."""
        kept = {kept.row.pk for kept in self.kept}
        return [row for row in self.asked if row.pk not in kept]

    @cached_property
    def runs(self) -> "QuerySet[Run]":
        """The runs that go."""
        ids = [row.pk for row in self.rows]
        found = Run.objects.filter(project=self.project)
        return (
            found.filter(pk__in=ids) if isinstance(self.asked[0], Run) else found.filter(experiment__in=ids)
        )

    @cached_property
    def experiments(self) -> "QuerySet[Experiment]":
        """The experiments that go, because no run of them stays."""
        own = Experiment.objects.filter(project=self.project)
        if not isinstance(self.asked[0], Run):
            return own.filter(pk__in=[row.pk for row in self.rows])
        affected = self.runs.order_by().values("experiment").distinct()
        others = Run.objects.filter(experiment__in=affected).exclude(pk__in=self.runs.values("pk"))
        return own.filter(pk__in=affected).exclude(pk__in=others.values("experiment"))

    def refusal(self) -> str:
        """Return why none of them can be deleted, as a sentence for each; empty if some can."""
        return "" if self.rows else " ".join(kept.reason for kept in self.kept)

    def counts(self, viewer: Any = None) -> dict[str, int]:
        """Return how many rows of each kind go, without those that there are none of.

        For a viewer, this leaves out the predictions on versions of which they still have to code clips.
        """
        counts = {
            "experiments": self.experiments.count(),
            "runs": self.runs.count(),
            "folds": Fold.objects.filter(run__in=self.runs).count(),
            "predictions": self._predictions(viewer).count(),
            "fold_weights": FoldWeights.objects.filter(fold__run__in=self.runs).count(),
            "attributions": Attribution.objects.filter(run__in=self.runs).count(),
            "baselines": Baseline.objects.filter(run__in=self.runs).count(),
            "models": ModelVersion.objects.filter(run__in=self.runs).count(),
            "open_jobs": self.open_jobs().count(),
        }
        return {name: counts[name] for name in WORDS if counts.get(name)}

    def not_counted(self, viewer: Any) -> int:
        """Return how many clips the viewer still has to code of the versions of these runs."""
        return sum(hidden_clips(viewer, self._versions()).values())

    def lines(self, viewer: Any = None) -> list[str]:
        """Return the counts as phrases, one per kind of row, without the row itself if it is one."""
        counts = self.counts(viewer)
        if len(self.rows) == 1:
            counts.pop("experiments", None)
            if isinstance(self.rows[0], Run):
                counts.pop("runs", None)
        lines = [f"{count:,} {WORDS[name][count != 1]}" for name, count in counts.items()]
        if viewer is not None and (clips := self.not_counted(viewer)):
            lines.append(
                f"Their predictions, not counted here while you have {clips:,} clip{'s' if clips > 1 else ''} to code, "
                "because coding is blind"
            )
        return lines

    def in_words(self) -> str:
        return ", ".join(self.lines()) or "nothing"

    def bytes(self) -> int:
        """Return the size of the kept networks of folds and of attributions; models and features come on top."""
        kept = (
            FoldWeights.objects.filter(fold__run__in=self.runs),
            Attribution.objects.filter(run__in=self.runs),
        )
        return sum(rows.aggregate(n=Sum("size"))["n"] or 0 for rows in kept)

    def open_jobs(self) -> "QuerySet[Job]":
        """Return the queued and running jobs that work for these runs alone."""
        return self.jobs().filter(state__in=Job.OPEN)

    def jobs(self) -> "QuerySet[Job]":
        """Return the jobs that lose what they work for."""
        groups = [f"mlflow:{pk}" for pk in self.runs.values_list("pk", flat=True)]
        for experiment in self.experiments:
            groups += [experiment.group, f"ranking:{experiment.pk}"]
        own = Q(group__in=groups) | Q(pk__in=self.runs.values("model_job"))
        own |= Q(pk__in=Attribution.objects.filter(run__in=self.runs).values("job"))
        own |= Q(pk__in=self.unused_ranges().values("job"))
        shared = Fold.objects.filter(job__isnull=False).exclude(run__in=self.runs).values("job")
        bundles = Fold.objects.filter(run__in=self.runs, job__isnull=False).exclude(job__in=shared)
        return Job.objects.filter(own | Q(pk__in=bundles.values("job")))

    def unused_ranges(self) -> "QuerySet[FeatureRange]":
        return unused_ranges(self.runs)

    def files(self) -> set[str]:
        """Return the entries of the files that only these runs need."""
        holdings = Holdings(
            Clip.objects.none(), FlowPicture.objects.none(), ScoringItem.objects.none(), runs=self.runs
        )
        names = {needed.entry for kind in KINDS.values() for needed in kind.needed(holdings)}
        return names | unused_features(self.runs)

    def _versions(self) -> list[int]:
        return list(self.runs.order_by().values_list("version", flat=True).distinct())

    def _predictions(self, viewer: Any) -> "QuerySet[Prediction]":
        found = Prediction.objects.filter(run__in=self.runs)
        if viewer is None:
            return found
        return found.exclude(run__version__in=list(hidden_clips(viewer, self._versions())))


def _named(row: Run | Experiment) -> str:
    return f"run {row}" if isinstance(row, Run) else str(row)
