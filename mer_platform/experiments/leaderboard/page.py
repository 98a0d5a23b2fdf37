"""What the templates of a leaderboard need: links, chips, choices and lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.paginator import Page
from django.urls import reverse

from mer_platform.configurations.display import option_name
from mer_platform.experiments.comparison.comparing import MAX_COMPARED
from mer_platform.experiments.leaderboard.baselines import NOT_ADJUSTED
from mer_platform.experiments.leaderboard.board import Board
from mer_platform.experiments.leaderboard.bulk import bulk_of
from mer_platform.experiments.leaderboard.columns import Column
from mer_platform.experiments.leaderboard.conditions import OPERATORS
from mer_platform.experiments.leaderboard.query import ACTIVE, ARCHIVED, FILTERS, BoardQuery, usual
from mer_platform.experiments.leaderboard.rows import Row
from mer_platform.experiments.models import Run, SavedView


@dataclass(frozen=True)
class Heading:
    """The heading of a column: its title, where a click on it leads, and how the table is sorted by it now."""

    column: Column
    href: str
    sorted: str

    @property
    def numeric(self) -> bool:
        return self.column.kind in ("score", "difference") or self.column.key in (
            "duration",
            "samples",
            "seed",
        )


@dataclass(frozen=True)
class Chip:
    """A filter that is set, in words, and the address without it."""

    words: str
    href: str


@dataclass(frozen=True)
class Choice:
    """A filter with its values: what the address says, and the words for it."""

    name: str
    title: str
    values: Sequence[tuple[Any, str]]
    chosen: Sequence[Any]


# The form of filters has no controls for these.
NOT_IN_FILTERS = ("where", "experiment", "group", "ordering", "columns", "baseline", "view", "open")


def headings(board: Board, columns: Iterable[Column]) -> list[Heading]:
    """Return the headings. A click sorts by the column, the best or latest first, and again in the other direction."""
    query, found = board.query, []
    for column in columns:
        now = column.key == query.order_key
        first = (
            f"-{column.key}"
            if column.kind == "score" or column.key in ("created", "duration")
            else column.key
        )
        other = column.key if query.descending else f"-{column.key}"
        href = query.address(ordering=other if now else first) if column.sortable else ""
        direction = ("descending" if query.descending else "ascending") if now else ""
        found.append(Heading(column, href, direction))
    return found


def chips(board: Board) -> list[Chip]:
    """Return the filters that are set."""
    query = board.query
    found = [Chip(f"“{query.q}”", query.without("q", query.q))] if query.q else []
    words: dict[str, Any] = {
        "state": state_in_words,
        "version": lambda pk: str(board.versions.get(pk, f"version {pk}")),
        "experiment": lambda pk: f"experiment #{pk}",
        "protocol": str,
        "network": option_name,
        "author": lambda name: f"by {name}",
        "tag": lambda name: f"tag {name}",
        "where": lambda one: condition_in_words(board, one),
    }
    for name, describe in words.items():
        found += [Chip(describe(value), query.without(name, value)) for value in getattr(query, name)]
    if query.since:
        found.append(Chip(f"since {query.since}", query.without("since", None)))
    if query.until:
        found.append(Chip(f"until {query.until}", query.without("until", None)))
    if query.starred:
        found.append(Chip("starred", query.without("starred", None)))
    if query.archived:
        found.append(Chip(ARCHIVED[query.archived].lower(), query.without("archived", None)))
    return found


def state_in_words(state: str) -> str:
    return "active" if state == ACTIVE else str(Run.State(state).label)


def condition_in_words(board: Board, condition: Any) -> str:
    column = board.columns.get(condition.key)
    title = column.title if column else condition.key
    return f"{title} {OPERATORS[condition.operator]} {condition.value}"


def choices(board: Board) -> list[Choice]:
    """Return the filters by value, each with the values that these runs have or that are set."""
    query, rows = board.query, board.rows

    def among(name: str, own: Iterable[Any]) -> list[Any]:
        return sorted({*own, *getattr(query, name)}, key=str)

    states = {row.state for row in rows}
    in_order = [value for value in Run.State.values if value in states or value in query.state]
    active = [ACTIVE] if states & {*Run.ACTIVE} or ACTIVE in query.state else []
    versions = {row.version_id for row in rows} | {pk for pk in query.version if pk in board.versions}
    tags = {tag for row in rows for tag in row.tags}
    found = [
        Choice("state", "State", [(s, state_in_words(s)) for s in [*active, *in_order]], query.state),
        Choice(
            "network", "Network", [(n, option_name(n)) for n in among("network", (r.network for r in rows)) if n],
            query.network,
        ),
        Choice(
            "version", "Version", [(pk, str(board.versions[pk])) for pk in sorted(versions, reverse=True)], query.version
        ),
        Choice(
            "protocol", "Protocol", [(p, p) for p in among("protocol", (r.protocol for r in rows)) if p], query.protocol
        ),
        Choice("author", "Author", [(a, a) for a in among("author", (r.author for r in rows)) if a], query.author),
        Choice("tag", "Tag", [(tag, tag) for tag in among("tag", tags)], query.tag),
    ]  # fmt: skip
    return [
        choice
        for choice in found
        if len(choice.values) > 1 or choice.chosen or (choice.name == "tag" and choice.values)
    ]


def grouped(columns: Iterable[Column]) -> list[tuple[str, list[Column]]]:
    """Return columns under the titles of their groups, in order."""
    found: dict[str, list[Column]] = {}
    for column in columns:
        found.setdefault(column.group, []).append(column)
    return list(found.items())


def _ticked(board: Board) -> list[Row | Run]:
    """Return the ticked runs in their order, also those that the filters leave out."""
    known: dict[int, Row | Run] = {row.pk: row for row in board.rows if row.pk in board.query.run}
    others = [pk for pk in board.query.run if pk not in known]
    if others:
        known |= Run.objects.filter(project=board.project).in_bulk(others)
    return [known[pk] for pk in board.query.run if pk in known]


def board_context(board: Board, page: Page, views: Sequence[SavedView]) -> dict[str, Any]:
    """Return what the fragment with the table needs. Reading the page's lines stores the differences that are missing."""
    query, columns = board.query, board.shown
    sections, _ = board.lines(page)
    ticked = _ticked(board)
    ids = {run.pk for section in sections for line in section.lines for run in line.entry.runs}
    view = next((own for own in views if own.pk == query.view), None)
    return {
        "runs_path": reverse("runs", args=[board.project.slug]),
        "table_path": reverse("runs-table", args=[board.project.slug]),
        "saved_views": views,
        "view": view,
        "view_query": query.as_view(),
        "view_changed": view is not None and view.query != query.as_view(),
        "not_adjusted": NOT_ADJUSTED,
        "board": board,
        "query": query,
        "sections": sections,
        "headings": headings(board, columns),
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "address": query.address(),
        "only_active": "" if query.state == (ACTIVE,) else query.address(state=(ACTIVE,)),
        "clear_filters": query.address(**{name: usual(name) for name in FILTERS}),
        "untick": query.address(run=()),
        "form_pairs": query.pairs(),
        "column_pairs": query.pairs(columns=()),
        "filter_pairs": [pair for pair in query.pairs() if pair[0] in NOT_IN_FILTERS],
        "usual_columns": query.address(columns=()),
        "toggle_seeds": query.address(group="" if query.group else "seeds", open=()),
        "polling": any(line.entry.active for section in sections for line in section.lines),
        "chips": chips(board),
        "column_groups": grouped(board.columns.values()),
        "column_keys": {column.key for column in columns},
        "sort_columns": grouped(column for column in board.columns.values() if column.sortable),
        "condition_columns": grouped(c for c in board.columns.values() if c.kind in ("score", "setting")),
        "operators": OPERATORS.items(),
        "ticked": {run.pk for run in ticked},
        "bulk": bulk_of(board),
        "ticked_elsewhere": [run for run in ticked if run.pk not in ids],
        "most": MAX_COMPARED,
        "narrow": [
            (board.versions[version], protocol, query.address(version=(version,), protocol=(protocol,)))
            for version, protocol in board.comparable
        ],
    }


SHORT = 10  # lines of a leaderboard on the page of something else


def short_context(board: Board, asks_for: BoardQuery, size: int = SHORT) -> dict[str, Any]:
    """Return what the first lines of a leaderboard need on another page. ``asks_for`` leads to all of them."""
    page = board.page(1, size)
    sections, _ = board.lines(page)
    runs = reverse("runs", args=[board.project.slug])
    return {
        "short": True,
        "board": board,
        "query": board.query,
        "sections": sections,
        "narrow": board.comparable if board.ranked else [],
        "headings": [replace(heading, href="") for heading in headings(board, board.shown)],
        "not_adjusted": NOT_ADJUSTED,
        "more": len(board.hits) - sum(len(entry.runs) for _, entry in page),
        "all_runs": f"{runs}{asks_for.address()}",
    }
