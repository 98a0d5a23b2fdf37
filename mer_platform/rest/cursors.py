"""Pages from a cursor: the rows after (or before) a row with known values, in the order of the list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.core.signing import BadSignature, Signer
from django.db.models import F, Field, OrderBy, Q, QuerySet

from mer_platform.rest.errors import ParametersRefused

_LONGEST = 4000  # characters of a cursor
_SIGNER = Signer(salt="cursor")


@dataclass(frozen=True)
class Key:
    """One value by which rows are ordered: a field, or a field of a related row, ascending or descending.

    A missing value comes before all others, in every database.
    """

    name: str
    descending: bool
    nullable: bool

    @classmethod
    def of(cls, text: str, model: Any) -> "Key":
        name = text.removeprefix("-")
        return cls("pk" if name == "id" else name, text.startswith("-"), _may_be_null(model, name))

    def order(self, backwards: bool) -> OrderBy:
        field = F(self.name)
        if self.descending != backwards:
            return field.desc(nulls_last=True if self.nullable else None)
        return field.asc(nulls_first=True if self.nullable else None)

    def beyond(self, value: Any, backwards: bool) -> Q:
        """Return the condition that a row comes after the value, or before it."""
        if self.descending == backwards:  # larger values follow
            return Q(**{f"{self.name}__isnull": False}) if value is None else Q(**{f"{self.name}__gt": value})
        if value is None:
            return Q(pk__in=[])
        smaller = Q(**{f"{self.name}__lt": value})
        return smaller | Q(**{f"{self.name}__isnull": True}) if self.nullable else smaller

    def equal(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def value(self, row: Any) -> Any:
        for part in self.name.split("__"):
            row = getattr(row, part, None)
        return row if row is None or isinstance(row, bool | int | float | str) else str(row)


@dataclass(frozen=True)
class Cursor:
    """A place in a list: the values of a row by which the list is ordered, and the direction in which to read on."""

    order: str
    values: Sequence[Any]
    backwards: bool = False

    def text(self) -> str:
        """Return it as clients get it: signed, so that no one composes one."""
        return _SIGNER.sign_object([self.order, list(self.values), int(self.backwards)])

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Return the cursor. Raises ParametersRefused if the platform did not make the text."""
        try:
            order, values, backwards = _SIGNER.unsign_object(text[:_LONGEST])
        except (BadSignature, ValueError) as error:
            raise wrong_cursor() from error
        return cls(order, values, bool(backwards))


@dataclass(frozen=True)
class CursorPage:
    rows: list[Any]
    after: str | None
    before: str | None


def wrong_cursor() -> ParametersRefused:
    """Return the error of a cursor that no list of this order gave."""
    return ParametersRefused(
        {"cursor": ["This is not a cursor of this list. Start with an empty one and follow “next”."]}
    )


def cursor_page(rows: Any, cursor: Cursor | None, size: int) -> CursorPage:
    """Return the page after (or before) the cursor, or the first page. Raises ParametersRefused for one of another list."""
    if not isinstance(rows, QuerySet):
        return _page_of_sequence(rows, cursor, size)
    rows, keys = keys_of(rows)
    order = ",".join(f"{'-' if key.descending else ''}{key.name}" for key in keys)
    backwards = cursor is not None and cursor.backwards
    wanted = rows.order_by(*(key.order(backwards) for key in keys))
    if cursor is not None:
        if cursor.order != order or len(cursor.values) != len(keys):
            raise wrong_cursor()
        wanted = wanted.filter(_beyond(keys, cursor.values, backwards))
    found = list(wanted[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
    after = Cursor(order, [key.value(found[-1]) for key in keys]).text() if found and has_next else None
    before = (
        Cursor(order, [key.value(found[0]) for key in keys], True).text() if found and has_previous else None
    )
    return CursorPage(found, after, before)


def keys_of(rows: "QuerySet[Any]") -> tuple["QuerySet[Any]", list[Key]]:
    """Return the keys by which the rows are ordered, the primary key as the last, and the rows with computed keys."""
    names: Sequence[Any] = rows.query.order_by
    if not names and rows.query.default_ordering:
        names = rows.query.get_meta().ordering or ()
    keys = []
    for number, given in enumerate(names):
        name = given
        if not isinstance(given, str):
            order = given if isinstance(given, OrderBy) else given.asc()
            name = f"order_{number}"
            rows = rows.annotate(**{name: order.expression})
            name = f"-{name}" if order.descending else name
        keys.append(Key.of(name, rows.model))
        if keys[-1].name == "pk":
            return rows, keys
    return rows, [*keys, Key("pk", bool(keys) and keys[-1].descending, False)]


def _beyond(keys: Sequence[Key], values: Sequence[Any], backwards: bool) -> Q:
    """Return the condition of all rows beyond the values: those that differ first in a key, and are beyond there."""
    found, equal = Q(), Q()
    for key, value in zip(keys, values, strict=True):
        found |= equal & key.beyond(value, backwards)
        equal &= key.equal(value)
    first = keys[0]
    # The database can start at this bound of the index; the other conditions only choose among equal values.
    return found & (first.equal(values[0]) | first.beyond(values[0], backwards)) if len(keys) > 1 else found


def _page_of_sequence(rows: Sequence[Any], cursor: Cursor | None, size: int) -> CursorPage:
    """Return the page of a list that was computed: its cursor is a position."""
    start = 0
    if cursor is not None:
        if cursor.order != "#" or len(cursor.values) != 1 or not isinstance(cursor.values[0], int):
            raise wrong_cursor()
        start = max(0, cursor.values[0])
    found = list(rows[start : start + size])
    after = Cursor("#", [start + size]).text() if start + size < len(rows) else None
    before = Cursor("#", [max(0, start - size)]).text() if start else None
    return CursorPage(found, after, before)


def _may_be_null(model: Any, name: str) -> bool:
    """Return whether a field, or one on the way to it, may be missing; True if it is not a field but was computed."""
    for part in name.split("__"):
        try:
            field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        except (FieldDoesNotExist, AttributeError):
            return True
        if getattr(field, "null", False):
            return True
        model = field.related_model if isinstance(field, Field) and field.is_relation else None
    return False
