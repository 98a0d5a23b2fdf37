"""What one line of a leaderboard shows in each column, ready for templates and tables."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.display import value_in_words
from mer_platform.experiments.leaderboard.columns import Column
from mer_platform.experiments.leaderboard.rows import Row, interval_of_score, score_columns_of
from mer_platform.experiments.leaderboard.standings import Entry, Spread
from mer_platform.experiments.models import Experiment, Run, StoredResults
from mer_platform.experiments.models.progress import progress_of_runs
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.uncertainty import Interval

NONE = "–"
VARIOUS = "several"


@dataclass(slots=True)
class Cell:
    """One cell. ``value`` is the number or text of tables; scores also have an interval or a spread over seeds."""

    column: Column
    value: Any
    text: str = ""
    interval: Interval | None = None
    spread: Spread | None = None
    url_id: int | None = None


@dataclass
class Details:
    """What is read only of the runs that a page shows."""

    intervals: Mapping[int, dict[str, Any]]
    samples: Mapping[int, int]
    experiments: Mapping[int, Experiment]
    versions: Mapping[int, CompositeVersion]
    progress: Mapping[int, str]

    def cells(self, entry: Entry, columns: Sequence[Column]) -> list[Cell]:
        """Return the cells of a line."""
        return [self._cell(entry, column) for column in columns]

    def _cell(self, entry: Entry, column: Column) -> Cell:
        run = entry.first
        if column.kind == "score":
            found = entry.spread(column.key)
            if found is None:
                return Cell(column, None, NONE)
            interval = None
            if found.runs == 1:
                scored = next(own for own in entry.scored if column.key in own.scores)
                interval = interval_of_score(self.intervals.get(scored.pk, {}), column.key)
            return Cell(column, found.mean, f"{found.mean:.3f}", interval, found if found.runs > 1 else None)
        if column.kind == "setting":
            values = list(dict.fromkeys(own.settings.get(column.key) for own in entry.runs))
            if len(values) > 1:
                return Cell(column, VARIOUS, VARIOUS)
            value = values[0]
            return Cell(column, value, NONE if value is None else value_in_words(value))
        if column.kind == "difference":  # the line has it
            return Cell(column, None)
        return self._fact(entry, run, column)

    def _fact(self, entry: Entry, run: Row, column: Column) -> Cell:
        key = column.key
        if key == "tags":
            tags = list(dict.fromkeys(tag for own in entry.runs for tag in own.tags))
            return Cell(column, tags, ", ".join(tags))
        if key == "samples":
            count = self.samples.get(run.pk)
            return Cell(column, count, NONE if count is None else str(count))
        if key == "version":
            return Cell(column, str(self.versions[run.version_id]), url_id=run.version_id)
        if key == "experiment":
            experiment = self.experiments.get(run.experiment_id)
            if experiment is None or (entry.several and len({own.experiment_id for own in entry.runs}) > 1):
                return Cell(column, None)
            return Cell(column, experiment.name, f"#{experiment.pk} {experiment.name}", url_id=experiment.pk)
        if key == "duration":
            return Cell(column, round(sum(own.seconds for own in entry.runs), 1))
        if key == "created":
            return Cell(column, max(own.created_at for own in entry.runs))
        if key == "state":
            states = list(dict.fromkeys(own.get_state_display() for own in entry.runs))
            return Cell(column, states[0] if len(states) == 1 else VARIOUS)
        value = run.value(key)
        return Cell(column, value, str(value or ""))


def read_details(
    rows: Iterable[Row], columns: Collection[Column], versions: Mapping[int, CompositeVersion]
) -> Details:
    """Read what the columns show of these runs, also their scores of classes and databases: a fixed number of queries."""
    shown = list(rows)
    keys = {column.key for column in columns}
    scored = {row.pk: row for row in shown if row.scores}
    wanted = [
        column.key
        for column in columns
        if column.kind == "score" and any(column.key not in row.scores for row in scored.values())
    ]
    intervals, samples = {}, {}
    stored = StoredResults.objects.filter(run__in=list(scored), code=METRICS_VERSION)
    scores = score_columns_of(wanted)
    read = stored.annotate(**scores).values_list("run", "intervals", "evaluation__samples", *scores)
    for run, own, count, *values in read:
        intervals[run], samples[run] = own, count
        scored[run].add_scores(wanted, values)
    experiments: Mapping[int, Experiment] = {}
    if "experiment" in keys:
        several = Experiment.objects.annotate(total=Count("runs")).filter(total__gt=1)
        experiments = several.only("pk", "name").in_bulk({row.experiment_id for row in shown})
    return Details(intervals, samples, experiments, versions, progress_in_words(shown))


def progress_in_words(rows: Iterable[Row]) -> dict[int, str]:
    """Return how far each active run is, by its id."""
    active = [row for row in rows if row.active]
    runs = [
        Run(
            pk=row.pk,
            experiment=Experiment(pk=row.experiment_id),
            state=row.state,
            features_hash=row.features_hash,
            apex_jitter=row.apex_jitter,
        )
        for row in active
    ]
    found = {}
    for pk, own in (progress_of_runs(runs) if runs else {}).items():
        state = next(row.state for row in active if row.pk == pk)
        if state == Run.State.TRAINING:
            found[pk] = f"{own['folds_done']} of {own['folds_total']} folds"
        elif state == Run.State.FEATURES and own["features_total"]:
            found[pk] = f"{own['features_done']} of {own['features_total']} samples"
    return found
