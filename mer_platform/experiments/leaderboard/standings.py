"""Runs in their order: sections that may be ranked, ranks, and seeds of one configuration as one entry."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mer_platform.configurations.flat import SEED
from mer_platform.experiments.leaderboard.rows import Row, is_score

SectionKey = tuple[int, str]  # version and protocol


@dataclass(frozen=True)
class Spread:
    """A score over the seeds of a configuration: mean, standard deviation (None for one seed), range and their number."""

    mean: float
    sd: float | None
    low: float
    high: float
    runs: int


@dataclass(eq=False)
class Entry:
    """One line: a run, or the runs of one configuration that differ in their seed. ``rank`` is None without the score."""

    runs: list[Row]
    rank: int | None = None

    @property
    def first(self) -> Row:
        return self.runs[0]

    @property
    def pk(self) -> int:
        """The number of its first run, by which addresses name it; later seeds do not change it."""
        return min(run.pk for run in self.runs)

    @property
    def latest(self) -> int:
        return max(run.pk for run in self.runs)

    @property
    def several(self) -> bool:
        return len(self.runs) > 1

    @property
    def seeds(self) -> int:
        return len({run.seed for run in self.runs})

    @property
    def active(self) -> bool:
        return any(run.active for run in self.runs)

    @cached_property
    def scored(self) -> list[Row]:
        """The runs with scores, the oldest of each seed, as in comparisons: the same seed again is not another sample."""
        by_seed = {run.seed: run for run in sorted(self.runs, key=lambda run: -run.pk) if run.scores}
        return sorted(by_seed.values(), key=lambda run: run.pk)

    def spread(self, key: str) -> Spread | None:
        """Return a score over the seeds that have it; None if none has."""
        return spread([run.scores[key] for run in self.scored if key in run.scores])

    def value(self, key: str) -> Any:
        """Return the value to sort by: a score's mean, the value that all runs share, or the first run's."""
        if is_score(key):
            found = self.spread(key)
            return found.mean if found else None
        return self.first.value(key)


def spread(values: Sequence[float]) -> Spread | None:
    """Return mean, standard deviation (n − 1) and range of a score's values; None for no values.

    >>> spread([0.5, 0.7])
    Spread(mean=0.6, sd=0.1414213562373095, low=0.5, high=0.7, runs=2)
    """
    if not values:
        return None
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.fmean(values), sd, min(values), max(values), len(values))


@dataclass(eq=False)
class Section:
    """The entries of one version and protocol, best first. ``key`` is None where nothing is ranked."""

    key: SectionKey | None
    entries: list[Entry]

    @property
    def runs(self) -> int:
        return sum(len(entry.runs) for entry in self.entries)


def entries_of(rows: Iterable[Row], grouped: bool) -> list[Entry]:
    """Return each run as an entry, or the seeds of each configuration as one, the latest first."""
    if not grouped:
        return [Entry([row]) for row in rows]
    groups: dict[Any, Entry] = {}
    for row in rows:
        settings = frozenset((key, value) for key, value in row.settings.items() if key != SEED)
        groups.setdefault((row.section, settings) if settings else row.pk, Entry([])).runs.append(row)
    return list(groups.values())


def sections_of(entries: Sequence[Entry], key: str, descending: bool) -> list[Section]:
    """Return the entries in order. By a score, runs of different versions or protocols are in sections of their own.

    Sections are ordered by their latest run. The rank counts entries with a higher score: it is the same in both directions.
    """
    if not is_score(key):
        return [Section(None, ordered(entries, key, descending))] if entries else []
    own: dict[SectionKey, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: -entry.latest):
        own.setdefault(entry.first.section, []).append(entry)
    sections = []
    for section, members in own.items():
        _rank(members, key)
        sections.append(Section(section, ordered(members, key, descending)))
    return sections


def _rank(entries: Iterable[Entry], key: str) -> None:
    scores = [(entry, entry.value(key)) for entry in entries]
    scores = sorted(((e, s) for e, s in scores if s is not None), key=lambda pair: -pair[1])
    before: float | None = None
    for place, (entry, score) in enumerate(scores, start=1):
        entry.rank = place if score != before else scores[place - 2][0].rank
        before = score


def ordered(entries: Iterable[Entry], key: str, descending: bool) -> list[Entry]:
    """Sort by a column: numbers before texts, entries without a value last in both directions, then the latest first."""
    latest_first = sorted(entries, key=lambda entry: -entry.latest)
    values = [(entry, entry.value(key)) for entry in latest_first]
    with_value = sorted(
        (pair for pair in values if pair[1] is not None),
        key=lambda pair: _sortable(pair[1]),
        reverse=descending,
    )
    return [entry for entry, _ in with_value] + [entry for entry, value in values if value is None]


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return 0, float(value)
    if isinstance(value, int | float):
        return 0, float(value)
    return 1, str(value).lower()
