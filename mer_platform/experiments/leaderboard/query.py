"""The address of a leaderboard: filters, order, columns, baseline and ticks. Pages and API read the same names."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from mer_platform.experiments.leaderboard.conditions import Condition, parse_condition
from mer_platform.experiments.models import Run
from mer_platform.projects.access import row_id
from models_ml.errors import InputError

BEST_FIRST = "-uf1"
ACTIVE = "active"
ARCHIVED = {"": "Not archived", "true": "Archived", "any": "Both"}
MOST = 100  # values of one parameter


@dataclass(frozen=True)
class BoardQuery:
    """What is asked of a leaderboard. The fields have the names of the parameters."""

    q: str = ""
    state: tuple[str, ...] = ()
    version: tuple[int, ...] = ()
    experiment: tuple[int, ...] = ()
    protocol: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    where: tuple[Condition, ...] = ()
    starred: bool = False
    archived: str = ""
    group: str = ""
    ordering: str = BEST_FIRST
    columns: tuple[str, ...] = ()
    baseline: tuple[int, ...] = ()
    view: int | None = None
    open: tuple[int, ...] = ()
    run: tuple[int, ...] = ()
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def order_key(self) -> str:
        return self.ordering.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.ordering.startswith("-")

    @property
    def filtered(self) -> bool:
        """Whether any filter is set."""
        return any(getattr(self, name) != _USUAL[name] for name in FILTERS)

    def pairs(self, **changes: Any) -> list[tuple[str, str]]:
        """Return the parameters that differ from the usual ones, after the changes, as names and values."""
        query = replace(self, **changes)
        return [
            (item.name, "true" if value is True else str(value))
            for item in fields(query)
            if item.name != "problems" and getattr(query, item.name) != _USUAL[item.name]
            for value in _listed(getattr(query, item.name))
        ]

    def address(self, **changes: Any) -> str:
        """Return the query string with the changes, starting with “?”. It is never empty: that asks for the default view."""
        return f"?{urlencode(self.pairs(**changes) or [('ordering', BEST_FIRST)])}"

    def as_view(self) -> str:
        """Return what a saved view keeps: all but the ticks, the opened lines and the view itself."""
        return self.address(run=(), open=(), view=None)[1:]

    def without(self, name: str, value: Any) -> str:
        """Return the address without one value of a filter."""
        old = getattr(self, name)
        kept = tuple(item for item in old if item != value) if isinstance(old, tuple) else _USUAL[name]
        return self.address(**{name: kept})


FILTERS = (
    "q", "state", "version", "experiment", "protocol", "network", "author", "tag", "since", "until", "where", "starred",
    "archived",
)  # fmt: skip
_USUAL = {item.name: item.default for item in fields(BoardQuery)}


def usual(name: str) -> Any:
    """Return a parameter's value when the address does not state it."""
    return _USUAL[name]


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)


def read_query(params: QueryDict) -> BoardQuery:
    """Return what the parameters ask for. What cannot be read is left out, with a sentence in ``problems``."""
    problems: list[str] = []
    archived = _text(params, "archived").lower().replace("false", "")
    group = _text(params, "group")
    if archived not in ARCHIVED:
        problems.append(f"“archived” must be “true” or “any”, not “{archived}”.")
    if group not in ("", "seeds"):
        problems.append(f"“group” must be “seeds”, not “{group}”.")
    states = _texts(params, "state")
    known = {*Run.State.values, ACTIVE}
    problems += [
        f"“{state}” is not a state. Use one of {', '.join(sorted(known))}."
        for state in states
        if state not in known
    ]
    return BoardQuery(
        q=_text(params, "q"),
        state=tuple(state for state in states if state in known),
        version=_ids(params, "version", problems),
        experiment=_ids(params, "experiment", problems),
        protocol=_texts(params, "protocol"),
        network=_texts(params, "network"),
        author=_texts(params, "author"),
        tag=_texts(params, "tag"),
        since=_date(params, "since", problems),
        until=_date(params, "until", problems),
        where=_conditions(params, problems),
        starred=_text(params, "starred").lower() in ("true", "1", "on"),
        archived=archived if archived in ARCHIVED else "",
        group=group if group == "seeds" else "",
        ordering=_ordering(params),
        columns=_texts(params, "columns"),
        baseline=_ids(params, "baseline", problems),
        view=next(iter(_ids(params, "view", problems)), None),
        open=_ids(params, "open", problems),
        run=tuple(pk for pk in (row_id(text) for text in _texts(params, "run")) if pk > 0),
        problems=tuple(problems),
    )


def is_form(params: QueryDict) -> bool:
    """Return whether a form of the page asks, whose parts of a condition or an order belong into one parameter each."""
    return "sort" in params or "key" in params


def _ordering(params: QueryDict) -> str:
    if key := _text(params, "sort"):
        return key if _text(params, "direction") == "up" else f"-{key}"
    return _text(params, "ordering") or BEST_FIRST


def _text(params: QueryDict, name: str) -> str:
    return str(params.get(name, "")).replace("\0", "").strip()[:500]


def _texts(params: QueryDict, name: str) -> tuple[str, ...]:
    """Return the values that are not empty, each once."""
    values = [value.replace("\0", "").strip()[:500] for value in params.getlist(name)]
    return tuple(dict.fromkeys(value for value in values if value))[:MOST]


def _ids(params: QueryDict, name: str, problems: list[str]) -> tuple[int, ...]:
    ids = []
    for text in _texts(params, name):
        if (pk := row_id(text)) > 0:
            ids.append(pk)
        else:
            problems.append(f"“{name}” must be the number of a row, not “{text}”.")
    return tuple(ids)


def _date(params: QueryDict, name: str, problems: list[str]) -> date | None:
    text = _text(params, name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        problems.append(f"“{name}” must be a date like 2026-03-31, not “{text}”.")
        return None


def _conditions(params: QueryDict, problems: list[str]) -> tuple[Condition, ...]:
    found = []
    own = "".join(_text(params, name) for name in ("key", "operator", "value"))
    for text in (*_texts(params, "where"), *((own,) if own else ())):
        try:
            found.append(parse_condition(text))
        except InputError as error:
            problems.append(str(error))
    return tuple(dict.fromkeys(found))
