"""The runs of a leaderboard: what sorting and filtering need of each, in few queries. No configuration is validated."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.utils import timezone

from mer_platform.configurations.flat import NETWORK, SEED, flat_settings
from mer_platform.experiments.leaderboard.columns import OVERALL, RATIOS
from mer_platform.experiments.models import Run, StoredResults
from mer_platform.experiments.results import results_of
from mer_platform.projects.models import Project
from models_ml.evaluation import METRICS_VERSION

SCORED = (Run.State.FINISHING, Run.State.FINISHED)
SAMPLES = "samples"
AT_ONCE = 20  # runs whose missing results one request computes: the worker stores them as it finishes a run


@dataclass(slots=True, eq=False)
class Row:
    """A run as a leaderboard lists it. ``scores`` has only those that were read; none while they are hidden."""

    pk: int
    name: str
    version_id: int
    experiment_id: int
    state: str
    starred: bool
    archived_at: datetime | None
    author: str
    created_at: datetime
    finished_at: datetime | None
    protocol: str
    is_external: bool
    settings: dict[str, Any]
    features_hash: str
    apex_jitter: int
    scores: dict[str, float] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    withdrawn_samples: int = 0  # of its version, since that was frozen
    samples: int | None = None  # that it was tested on; read only if it is asked for

    def __str__(self) -> str:
        return f"#{self.pk} {self.marked_name}"

    @property
    def marked_name(self) -> str:
        """Its name, with a mark if it is external."""
        return f"{self.name} (external)" if self.is_external else self.name

    @property
    def seed(self) -> int:
        return int(self.settings.get(SEED, 0))

    @property
    def network(self) -> str:
        return str(self.settings.get(NETWORK, ""))

    @property
    def active(self) -> bool:
        return self.state in Run.ACTIVE

    @property
    def scored(self) -> bool:
        return self.state in SCORED

    def get_state_display(self) -> str:
        return str(Run.State(self.state).label)

    @property
    def seconds(self) -> float:
        return ((self.finished_at or timezone.now()) - self.created_at).total_seconds()

    @property
    def section(self) -> tuple[int, str]:
        """What runs must share to be ranked together: version and protocol."""
        return self.version_id, self.protocol

    def add_scores(self, keys: Iterable[str], values: Iterable[float | None]) -> None:
        """Keep the scores that there are: a version may not have samples of a database."""
        self.scores |= {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def value(self, key: str) -> Any:
        """Return the value of a column; None if there is none."""
        if key in self.scores:
            return self.scores[key]
        if key in self.settings:
            return self.settings[key]
        read = _FACTS.get(key)
        return read(self) if read else None


_FACTS = {
    "name": lambda row: row.name,
    "state": lambda row: row.get_state_display(),
    "version": lambda row: row.version_id,
    "protocol": lambda row: row.protocol,
    "experiment": lambda row: row.experiment_id,
    "author": lambda row: row.author,
    "created": lambda row: row.created_at.timestamp(),
    "duration": lambda row: row.seconds,
    "samples": lambda row: row.samples,
    "tags": lambda row: ", ".join(row.tags) or None,
}
_FIELDS = (
    "pk", "name", "version_id", "experiment_id", "state", "starred", "archived_at", "created_by__username", "created_at",
    "finished_at", "protocol", "external_run", "config_hash", "features_hash", "apex_jitter", "stored_results__code",
    "stored_results__uf1", "stored_results__uar", "stored_results__accuracy",
)  # fmt: skip
_HASH = _FIELDS.index("config_hash")
_KEPT: dict[str, dict[str, Any]] = {}  # settings by the hash of their configuration, which never changes
_MOST_KEPT = 5000


def _configurations(hashes: dict[int, str]) -> dict[str, dict[str, Any]]:
    """Return the settings of configurations by hash, of runs given as hashes by id."""
    found = {own: _KEPT[own] for own in set(hashes.values()) if own in _KEPT}
    unread = {own: pk for pk, own in hashes.items() if own not in found}
    if unread:
        configs = Run.objects.filter(pk__in=unread.values()).values_list("config_hash", "config")
        read = {own: flat_settings(config) for own, config in configs}
        if len(_KEPT) + len(read) > _MOST_KEPT:
            _KEPT.clear()
        _KEPT.update(list(read.items())[:_MOST_KEPT])
        found |= read
    return found


def read_rows(project: Project, runs: QuerySet[Run], hidden: Collection[int]) -> list[Row]:
    """Return these runs of the project, the latest first, with their overall scores, except of hidden versions.

    Results that are missing are computed, but only ``AT_ONCE`` of them; the other runs have no scores until the next time.
    """
    found = list(runs.annotate(external_run=Q(config__isnull=True)).order_by("-pk").values_list(*_FIELDS))
    known = _configurations({values[0]: values[_HASH] for values in found if not values[_HASH - 1]})
    rows, missing = [], []
    for values in found:
        *facts, config_hash, features_hash, jitter, code, uf1, uar, accuracy = values
        facts[7] = facts[7] or ""
        row = Row(*[*facts, {} if facts[-1] else known[config_hash], features_hash, jitter])
        rows.append(row)
        if row.scored and row.version_id not in hidden:
            if code == METRICS_VERSION:
                row.scores = {"uf1": uf1, "uar": uar, "accuracy": accuracy}
            else:
                missing.append(row)
    _compute(missing[:AT_ONCE])
    _read_tags(project, rows)
    return rows


def _read_tags(project: Project, rows: Sequence[Row]) -> None:
    """Read the tags of all runs of the project at once: a list of a thousand ids would make a slower query."""
    known = {row.pk: row for row in rows}
    tagged = Run.tags.through.objects.filter(tag__project=project).order_by("tag__name")
    for run, name in tagged.values_list("run", "tag__name"):
        if run in known:
            known[run].tags.append(name)


def _compute(rows: Sequence[Row]) -> None:
    if not rows:
        return
    runs = Run.objects.select_related("version__composite", "stored_results").in_bulk(
        [row.pk for row in rows]
    )
    for row in rows:
        if (run := runs.get(row.pk)) is not None and run.predictions.exists():
            found = results_of(run).evaluation
            row.scores = {"uf1": found.uf1, "uar": found.uar, "accuracy": found.accuracy}


def read_scores(rows: Iterable[Row], keys: Iterable[str]) -> None:
    """Read more of all rows in one query: ``samples``, and scores of a class (``f1.negative``) or database (``uf1.X``)."""
    asked = set(keys)
    wanted = [key for key in asked if "." in key]
    known = {row.pk: row for row in rows if row.scores}
    if not known or not (wanted or SAMPLES in asked):
        return
    columns = score_columns_of(wanted)
    counts = {"sample_count": KeyTransform("samples", "evaluation")} if SAMPLES in asked else {}
    stored = StoredResults.objects.filter(code=METRICS_VERSION)
    stored = stored.filter(run__in=list(known)) if len(known) < 500 else stored.filter(_same_projects(known))
    for run, *values in stored.annotate(**columns, **counts).values_list("run", *columns, *counts):
        if run in known:
            if counts:
                known[run].samples = values.pop()
            known[run].add_scores(wanted, values)


def _same_projects(rows: dict[int, Row]) -> Q:
    """Many ids make a slow query, so all runs of their versions are read."""
    return Q(run__version__in={row.version_id for row in rows.values()})


def score_columns_of(keys: Sequence[str]) -> dict[str, KeyTransform]:
    """Return annotations of stored results, in the order of the keys. A database's name may not do as their name."""
    return {f"score_{number}": score_path(key) for number, key in enumerate(keys)}


def score_path(key: str) -> KeyTransform:
    """Return the place of a score of a class or database in stored results."""
    name, _, of = key.partition(".")
    part = "per_class" if name in RATIOS else "per_database"
    return KeyTransform(name, KeyTransform(of, KeyTransform(part, "evaluation")))


def interval_of_score(intervals: dict[str, Any], key: str) -> tuple[float, float] | None:
    """Return the 95% interval of a score from stored intervals; None if there is none."""
    name, _, of = key.partition(".")
    if not of:
        found = intervals.get("overall", {}).get(name)
    else:
        part = "per_class" if name in RATIOS else "per_database"
        found = intervals.get(part, {}).get(of, {}).get(name)
    return (found[0], found[1]) if found else None


def is_score(key: str) -> bool:
    """Return whether a key names a score: of all samples, a class or a database."""
    name, dot, of = key.partition(".")
    return name in OVERALL if not dot else bool(of) and name in {**OVERALL, **RATIOS}
