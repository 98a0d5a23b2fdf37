"""A leaderboard: the runs that a query asks for, in order, page by page."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from mer_platform.composites.blindness import hidden_clips, why_hidden
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.configurations.flat import NETWORK, SEED
from mer_platform.experiments.leaderboard.baselines import (
    Difference,
    asked_baselines,
    differences,
    key_of,
    pinned_baselines,
)
from mer_platform.experiments.leaderboard.cells import Cell, Details, read_details
from mer_platform.experiments.leaderboard.columns import (
    DIFFERENCE,
    UNSORTED,
    Column,
    all_columns,
    settings_in_order,
)
from mer_platform.experiments.leaderboard.conditions import check_keys
from mer_platform.experiments.leaderboard.filtering import chosen, in_scope
from mer_platform.experiments.leaderboard.query import BEST_FIRST, BoardQuery
from mer_platform.experiments.leaderboard.rows import Row, is_score, read_rows, read_scores
from mer_platform.experiments.leaderboard.standings import Entry, Section, SectionKey, entries_of, sections_of
from mer_platform.experiments.models import Run
from mer_platform.projects.models import Project

PAGE_SIZE = 25
VARIED = 4  # settings that differ and are shown without being asked for
MOST_COLUMNS = 30


@dataclass
class Line:
    """One line of the page: an entry, or one of the runs below an opened entry."""

    entry: Entry
    cells: list[Cell]
    member: bool = False
    opened: bool = False
    toggle: str = ""  # the address that opens or closes an entry of several runs
    progress: str = ""
    difference: Difference | None = None
    is_baseline: bool = False

    @property
    def run(self) -> Row:
        return self.entry.first


@dataclass
class ShownSection:
    """The part of a section that is on the page."""

    version: CompositeVersion | None
    protocol: str
    total: int
    baseline: str  # the run that others are compared with; empty for none
    address: str
    lines: list[Line] = field(default_factory=list)


class Board:
    """The runs that ``query`` asks for. ``query`` is corrected where it names what does not exist; ``problems`` says so."""

    def __init__(
        self, project: Project, user: Any, query: BoardQuery, runs: QuerySet[Run] | None = None
    ) -> None:
        """Read the runs of the project, or only ``runs`` of it, which a page is about."""
        self.project = project
        self.problems = list(query.problems)
        versions = CompositeVersion.objects.filter(composite__project=project).select_related("composite")
        self.versions = {version.pk: version for version in versions}
        self._hidden = hidden_clips(user, self.versions)
        runs = in_scope(Run.objects.filter(project=project) if runs is None else runs, query)
        self.rows = read_rows(project, runs, self._hidden)
        for row in self.rows:
            row.withdrawn_samples = self.versions[row.version_id].withdrawn_samples
        self.query = query = self._known(query)
        read_scores(self.rows, {query.order_key, *(one.key for one in query.where)} & set(self.columns))
        self._asked, problems = asked_baselines(project, query.baseline, self._hidden)
        self.problems += problems
        self.hits = chosen(self.rows, query)
        self.entries = entries_of(self.hits, grouped=query.group == "seeds")
        self.sections = sections_of(self.entries, query.order_key, query.descending)

    @cached_property
    def columns(self) -> dict[str, Column]:
        """All columns that these runs can have, by key."""
        used = [self.versions[pk] for pk in {row.version_id for row in self.rows}]
        settings = {path for row in self.rows for path in row.settings}
        return all_columns(databases_of(used), settings)

    def _known(self, query: BoardQuery) -> BoardQuery:
        """Leave out of the query what is not known, and say so."""
        if not self.rows:
            return query
        known = {*self.columns, "name"} - {DIFFERENCE}  # differences are computed of what is listed only
        if query.order_key not in known or query.order_key in UNSORTED:
            self.problems.append(
                f"Cannot sort by “{query.order_key}”: it is neither a score nor a setting of these runs. "
                "They are sorted by UF1."
            )
            query = replace(query, ordering=BEST_FIRST)
        self.problems += check_keys(query.where, known)
        strange = [key for key in query.columns if key not in self.columns]
        self.problems += [f"“{key}” is not a column of these runs, so it was left out." for key in strange]
        return replace(
            query,
            where=tuple(one for one in query.where if one.key in known),
            columns=tuple(key for key in query.columns if key in self.columns)[:MOST_COLUMNS],
        )

    @cached_property
    def _baselines(self) -> dict[SectionKey, tuple[int, str]]:
        return {**pinned_baselines({row.version_id for row in self.hits}), **self._asked}

    @cached_property
    def baselines(self) -> dict[SectionKey, int]:
        """The runs that others are compared with, by version and protocol."""
        return {key: pk for key, (pk, _) in self._baselines.items()}

    @property
    def hidden(self) -> str:
        """Why scores of some of these runs are hidden; empty if none are."""
        used = {row.version_id for row in self.hits}
        return why_hidden(max((n for pk, n in self._hidden.items() if pk in used), default=0))

    @property
    def ranked(self) -> bool:
        return is_score(self.query.order_key)

    @property
    def comparable(self) -> list[tuple[int, str]]:
        """The versions and protocols of these runs, those of the latest first."""
        return list(dict.fromkeys(row.section for row in self.hits))

    @property
    def active(self) -> int:
        return sum(row.active for row in self.hits)

    @cached_property
    def varied(self) -> list[str]:
        """The settings in which runs of the same network differ, those that most runs have first, and the network itself.

        What differs only between networks is left out: the network says it.
        """
        values: dict[tuple[str, str], set[Any]] = {}
        having: Counter[str] = Counter()
        for row in self.hits:
            having.update(row.settings.keys())
            for path, value in row.settings.items():
                values.setdefault((row.network, path), set()).add(value)
        differing = {path for (_, path), own in values.items() if len(own) > 1}
        if len({row.network for row in self.hits}) > 1:
            differing.add(NETWORK)
        in_order = list(settings_in_order(differing))
        return sorted(in_order, key=lambda path: (path != NETWORK, -having[path]))

    @cached_property
    def shown(self) -> list[Column]:
        """The columns of the query, or else the scores, the settings that differ, and the usual facts."""
        if self.query.columns:
            return [self.columns[key] for key in self.query.columns]
        keys = ["uf1", "uar", "accuracy"]
        if any(row.section in self.baselines for row in self.hits):
            keys.insert(1, DIFFERENCE)
        if self.ranked and self.query.order_key not in keys:
            keys.insert(0, self.query.order_key)
        keys += [path for path in self.varied if path != SEED][:VARIED]
        if SEED in self.varied and self.query.group != "seeds":
            keys.append(SEED)
        if not self.ranked:
            keys += [key for key in ("version", "protocol") if len({row.value(key) for row in self.hits}) > 1]
            if self.query.order_key not in (*keys, "name", "state", "created"):
                keys.append(self.query.order_key)
        keys += ["state", "created"]
        return [self.columns[key] for key in keys if key in self.columns]

    def page(self, number: Any, size: int = PAGE_SIZE) -> Page[tuple[Section, Entry]]:
        """Return a page of entries, section by section: the first for nonsense, the last for a number too high."""
        listed = [(section, entry) for section in self.sections for entry in section.entries]
        return Paginator(listed, size).get_page(number)

    def lines(self, page: Iterable[tuple[Section, Entry]]) -> tuple[list[ShownSection], Details]:
        """Return the sections of a page with their lines, and the details that were read for them."""
        listed = list(page)
        runs = [run for _, entry in listed for run in entry.runs]
        details = read_details(runs, self.shown, self.versions)
        shown: list[ShownSection] = []
        current: Section | None = None
        for section, entry in listed:
            if section is not current:
                shown.append(self._shown_section(section))
                current = section
            line = self._line(entry, details)
            shown[-1].lines.append(line)
            if entry.several:
                line.opened = bool({run.pk for run in entry.runs} & set(self.query.open))
                line.toggle = self._toggle(entry)
            if line.opened:
                members = sorted(entry.runs, key=lambda run: (run.seed, run.pk))
                shown[-1].lines += [self._line(Entry([run]), details, member=True) for run in members]
        self._compare(shown)
        return shown, details

    def _shown_section(self, section: Section) -> ShownSection:
        key = section.key
        if key is None:
            names = ", ".join(dict.fromkeys(name for _, name in self._baselines.values()))
            return ShownSection(None, "", len(section.entries), names, self.query.address())
        address = self.query.address(version=(key[0],), protocol=(key[1],))
        baseline = self._baselines.get(key, (0, ""))[1]
        return ShownSection(self.versions[key[0]], key[1], len(section.entries), baseline, address)

    def _compare(self, sections: Iterable[ShownSection]) -> None:
        """Give the lines their differences from the baseline, if they are shown."""
        if not self.baselines:
            return
        lines = [line for section in sections for line in section.lines]
        found: Mapping[tuple[int, str], Difference] = {}
        if any(column.key == DIFFERENCE for column in self.shown):
            found = differences([line.entry for line in lines], self.baselines, self.versions)
        for line in lines:
            baseline = self.baselines.get(line.run.section)
            line.is_baseline = any(run.pk == baseline for run in line.entry.runs)
            line.difference = found.get(key_of(line.entry))

    def _line(self, entry: Entry, details: Details, member: bool = False) -> Line:
        progress = "" if entry.several else details.progress.get(entry.pk, "")
        return Line(entry, details.cells(entry, self.shown), member, progress=progress)

    def _toggle(self, entry: Entry) -> str:
        own = {run.pk for run in entry.runs}
        others = tuple(pk for pk in self.query.open if pk not in own)
        closed = len(others) == len(self.query.open)
        return self.query.address(open=(*others, entry.pk) if closed else others)


_DATABASES: dict[tuple[int, str], tuple[str, ...]] = {}  # by version and its hash: a version is frozen


def databases_of(versions: Iterable[CompositeVersion]) -> list[str]:
    """Return the names of the databases that the versions' samples are from."""
    known = {version.pk: (version.pk, version.content_hash) for version in versions}
    unread = {pk for pk, key in known.items() if key not in _DATABASES}
    if unread:
        found: dict[int, list[str]] = {pk: [] for pk in unread}
        samples = Sample.objects.filter(version__in=unread).order_by().values_list("version", "database")
        for version, name in samples.distinct():
            found[version].append(name)
        _DATABASES.update({known[pk]: tuple(names) for pk, names in found.items()})
    return sorted({name for key in known.values() for name in _DATABASES[key]})
