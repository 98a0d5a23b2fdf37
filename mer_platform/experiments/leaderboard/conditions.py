"""Conditions on scores and settings, as an address states them: ``train.epochs>=30``."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from mer_platform.configurations.display import value_in_words
from models_ml.errors import InputError

OPERATORS = {
    "=": "is",
    "!=": "is not",
    ">": "is above",
    ">=": "is at least",
    "<": "is below",
    "<=": "is at most",
    "~": "contains",
}
_OPERATOR = re.compile(r"<=|>=|!=|=|<|>|~")
_WORDS = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Condition:
    """One comparison of a score or a setting with a value."""

    key: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.key}{self.operator}{self.value}"

    def holds(self, value: Any) -> bool:
        """Return whether a run's value meets it. A run without the value meets only “is not”."""
        if value is None:
            return self.operator == "!="
        if self.operator == "~":
            return (
                self.value.lower() in value_in_words(value).lower()
                or self.value.lower() in str(value).lower()
            )
        if self.operator in ("=", "!="):
            return self._equals(value) == (self.operator == "=")
        number = _number(self.value)
        if number is None or isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return {
            ">": value > number,
            ">=": value >= number,
            "<": value < number,
            "<=": value <= number,
        }[self.operator]

    def _equals(self, value: Any) -> bool:
        if isinstance(value, bool):
            return _WORDS.get(self.value.lower()) is value
        if isinstance(value, int | float):
            return _number(self.value) == value
        plain = _plain(self.value)
        return plain in (_plain(str(value)), _plain(value_in_words(value)))


def parse_condition(text: str) -> Condition:
    """Return the condition that a text states.

    Raises InputError if it has no operator or no value, or compares the size with what is not a number.

    >>> parse_condition("train.epochs >= 30")
    Condition(key='train.epochs', operator='>=', value='30')
    """
    found = _OPERATOR.search(text)
    if found is None or not text[: found.start()].strip() or not text[found.end() :].strip():
        raise InputError(
            f"“{text}” is not a condition. Write a score or setting, one of {' '.join(OPERATORS)}, and a value, "
            "for example train.epochs>=30."
        )
    key, operator, value = text[: found.start()].strip(), found[0], text[found.end() :].strip()
    if key == "created":
        raise InputError(
            f"“{text}” compares a date. State dates with since and until, for example since=2026-05-01."
        )
    if operator[0] in "<>" and _number(value) is None:
        raise InputError(f"“{text}” compares with “{value}”, which is not a number.")
    return Condition(key, operator, value)


def check_keys(conditions: Iterable[Condition], known: Collection[str]) -> list[str]:
    """Return a sentence for each condition on something that is neither a score nor a setting of these runs."""
    return [
        f"“{condition.key}” is neither a score nor a setting of these runs, so “{condition}” was left out."
        for condition in conditions
        if condition.key not in known
    ]


def by_key(conditions: Iterable[Condition]) -> list[list[Condition]]:
    """Group what must hold: one condition of each group. Several “is” of one key are alternatives."""
    groups: dict[tuple[str, str], list[Condition]] = {}
    for number, condition in enumerate(conditions):
        own = "=" if condition.operator == "=" else str(number)
        groups.setdefault((condition.key, own), []).append(condition)
    return list(groups.values())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number - number == 0 else None


def _plain(text: str) -> str:
    return re.sub(r"[\s()]", "", text).lower()
