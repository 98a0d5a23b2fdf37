"""Errors of fields, however deep, as a list with JSON pointers (RFC 6901)."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework.exceptions import ErrorDetail

from mer_platform.rest.wording import in_our_words

MOST_ERRORS = 10_000
_WHOLE = {"non_field_errors", "__all__"}  # what serializers and models call errors that belong to no field
_WHOLE_CONFIG = "config"  # what configurations call them
# Codes of libraries that say less than ours.
_CODES = {
    "invalid": "invalid_value", "null": "required", "blank": "empty", "does_not_exist": "not_found", "no_match": "not_found",
    "incorrect_type": "wrong_type", "not_a_list": "wrong_type", "not_a_dict": "wrong_type", "invalid_list": "wrong_type",
    "unique": "exists_already", "invalid_pk_value": "wrong_type", "null_characters_not_allowed": "invalid_value",
    "unique_together": "exists_already", "max_string_length": "max_length",
}  # fmt: skip

Place = tuple[str, ...]


def flattened(detail: Any, document: Any = None) -> list[tuple[Place, str, str]]:
    """Return the errors of a ``ValidationError.detail``: where, what and the code of each.

    ``document`` is what was sent. It decides whether a dot in a name is part of the name or leads into it: the errors of
    configurations are named by path (``net.kernels.1``), but the settings of a grid have dots in their names.

    >>> flattened({"items": [{}, {"onset": ["Too late."]}], "config": {"net.size": ["Odd."]}})
    [(('items', '1', 'onset'), 'Too late.', 'invalid_value'), (('config', 'net', 'size'), 'Odd.', 'invalid_value')]
    """
    found = []
    for error in _walked(detail, (), document):
        found.append(error)
        if len(found) == MOST_ERRORS:
            break
    return found


def pointer(place: Place) -> str:
    """Return the JSON pointer of a place.

    >>> pointer(("items", "3", "a/b"))
    '/items/3/a~1b'
    """
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place)


def _walked(detail: Any, place: Place, document: Any) -> Iterator[tuple[Place, str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            whole = name in _WHOLE or (name == _WHOLE_CONFIG and place and not _has(document, name))
            parts, below = ((), document) if whole else _parts(str(name), document)
            yield from _walked(inner, place + parts, below)
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            if isinstance(inner, Mapping | list | tuple):
                parts, below = _parts(str(index), document)
                yield from _walked(inner, place + parts, below)
            else:
                yield place, in_our_words(str(inner)), code_of(inner)
    else:
        yield place, in_our_words(str(detail)), code_of(detail)


def code_of(error: Any) -> str:
    """Return the code of an error of a field."""
    code = error.code if isinstance(error, ErrorDetail) else "invalid"
    return _CODES.get(code, code) if code else "invalid_value"


def _parts(name: str, document: Any) -> tuple[Place, Any]:
    """Return the parts of the path ``name`` and what the document has there."""
    parts: list[str] = []
    left = name.split(".")
    while left:
        count = _known(left, document)
        part = ".".join(left[:count])
        parts.append(part)
        document = _below(document, part)
        left = left[count:]
    return tuple(parts), document


def _known(left: list[str], document: Any) -> int:
    """Return how many parts of a path form the longest name that the document has; 1 if there is none."""
    if isinstance(document, Mapping):
        for count in range(len(left), 1, -1):
            if ".".join(left[:count]) in document:
                return count
    return 1


def _has(document: Any, name: str) -> bool:
    return isinstance(document, Mapping) and name in document


def _below(document: Any, part: str) -> Any:
    if isinstance(document, Mapping):
        return document.get(part)
    if isinstance(document, list) and part.isascii() and part.isdigit() and int(part) < len(document):
        return document[int(part)]
    return None
