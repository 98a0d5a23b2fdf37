"""The errors of pydantic in the words of this project: what the value must be, and what was given."""

from collections.abc import Callable, Mapping
from typing import Any

NO_NUL = r"^[^\x00]*$"  # the pattern of texts that PostgreSQL can store
_MOST_SHOWN = 40  # characters of the given value

# What a value must be, by the type of the error; the arguments are those of pydantic's own message.
_RULES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda c: f"more than {_number(c['gt'])}",
    "greater_than_equal": lambda c: f"{_number(c['ge'])} or more",
    "less_than": lambda c: f"less than {_number(c['lt'])}",
    "less_than_equal": lambda c: f"{_number(c['le'])} or less",
    "multiple_of": lambda c: f"a multiple of {_number(c['multiple_of'])}",
    "finite_number": lambda c: "a finite number",
    "literal_error": lambda c: _one_of(c["expected"]),
    "enum": lambda c: _one_of(c["expected"]),
    "string_pattern_mismatch": lambda c: (
        "a text without NUL characters" if c["pattern"] == NO_NUL else f"of the form {c['pattern']}"
    ),
    "string_too_short": lambda c: f"at least {c['min_length']} character{_plural(c['min_length'])} long",
    "string_too_long": lambda c: f"at most {c['max_length']} characters long",
    "too_short": lambda c: f"a list of at least {c['min_length']} value{_plural(c['min_length'])}",
    "too_long": lambda c: f"a list of at most {c['max_length']} values",
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "an object with named values",
    "model": "an object with named values",
    "date": "a date",
    "datetime": "a date with a time",
    "uuid": "a UUID",
}


def in_words(error: Mapping[str, Any]) -> str:
    """Return one of ``ValidationError.errors()`` as a sentence.

    Errors that this project raises itself keep their message.

    >>> in_words({"type": "less_than_equal", "msg": "…", "ctx": {"le": 50}, "input": 99})
    'Must be 50 or less, not 99.'
    >>> in_words({"type": "int_parsing", "msg": "…", "input": "ten"})
    'Must be a whole number, not “ten”.'
    """
    kind, context = str(error["type"]), error.get("ctx") or {}
    if kind == "missing":
        return "A value is required."
    if kind == "extra_forbidden":
        return "This setting does not exist."
    if kind == "json_invalid":
        return f"This is not JSON: {context.get('error', 'it cannot be read')}."
    rule = _RULES[kind](context) if kind in _RULES else _KINDS.get(kind.split("_")[0], "")
    if rule:
        return f"Must be {rule}, not {given(error.get('input'))}."
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{message}."


def _one_of(expected: str) -> str:
    """Return pydantic's list of allowed values, which it writes in straight quotes."""
    return f"one of {expected.replace(' or ', ', ')}".replace("'", "")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _plural(number: int) -> str:
    return "" if number == 1 else "s"


def given(value: Any) -> str:
    """Return a given value as a message shows it: in quotes if it is a text, and not longer than 40 characters."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    text = str(value).encode(errors="replace").decode().replace("\0", "")  # half characters cannot be shown
    shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    return f"“{shown}”" if isinstance(value, str) else shown
