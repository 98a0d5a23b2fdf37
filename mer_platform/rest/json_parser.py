"""The parsers of requests. Each refuses in words what no field could compute with or store."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any

from django.conf import settings
from django.http import QueryDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, JSONParser, MultiPartParser

from mer_platform.rest.errors import TooLarge

_CHARSET = re.compile(r";\s*charset=[\"']?([^\"';\s]*)", re.IGNORECASE)
_MOST_DIGITS = 40
_DEEPEST = 64
_FORM_EXTRA = 16 * 1024**2  # bytes of a form with a file in addition to the file
_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89abAB])")  # escapes that may stand for NUL or half a character
_UNSTORABLE_TEXT = "must not contain NUL characters or halves of characters."


class JsonParser(JSONParser):
    """Parses JSON, and refuses it in words: also numbers, texts and nesting that fields could not compute with."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the document. Raises ParseError, and TooLarge."""
        limit_body(parser_context, settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
        if (charset := _CHARSET.search(media_type or "")) and charset[1].lower() not in ("utf-8", "utf8"):
            raise ParseError(f"JSON is sent in UTF-8, not in the charset “{charset[1][:40]}”.")
        try:
            text = stream.read().decode()
            document = json.loads(
                text,
                parse_int=_whole,
                parse_float=_real,
                parse_constant=_no_number,
                object_pairs_hook=_object,
            )
        except json.JSONDecodeError as error:
            raise ParseError(
                f"The request is not JSON from line {error.lineno}, column {error.colno} on."
            ) from error
        except UnicodeDecodeError as error:
            raise ParseError("The request is not JSON in UTF-8.") from error
        except RecursionError as error:
            raise ParseError(_too_deep()) from error
        if text.count("[") + text.count("{") > _DEEPEST or _UNSTORABLE.search(text):
            _check(document)
        return document


class ApiMultiPartParser(MultiPartParser):
    """Parses forms with files."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> "DataAndFiles[Any, Any]":
        """Return fields and files. Raises ParseError, and TooLarge."""
        limit_body(parser_context, settings.MAX_CLIP_BYTES + _FORM_EXTRA)
        found = super().parse(stream, media_type, parser_context)
        _check_form(found.data)
        return found


def limit_body(parser_context: Mapping[str, Any] | None, most: int) -> None:
    """Raise TooLarge if the body has more bytes, before it is read."""
    request = (parser_context or {}).get("request")
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0
    except ValueError:
        return
    if most and length > most:
        raise TooLarge(f"The body has {length:,} bytes. At most {most:,} are accepted: send it in parts.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ParseError(f"The name “{twice[:60]}” stands twice in one object of the request. Give it once.")
    return found


def _check(document: Any) -> None:
    """Raise ParseError if the document is too deep, or has texts that no database stores."""
    level: list[tuple[str, Any]] = [("", document)]
    depth = 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise ParseError(_too_deep())
        below: list[tuple[str, Any]] = []
        for place, value in level:
            if isinstance(value, dict):
                below += [(f"{place}/", name) for name in value]
                below += [(f"{place}/{name}", item) for name, item in value.items()]
            elif isinstance(value, list):
                below += [(f"{place}/{index}", item) for index, item in enumerate(value)]
            elif isinstance(value, str) and not is_storable(value):
                where = f"The text at {place[:200]}" if is_storable(place) else "A text of the request"
                raise ParseError(f"{where} cannot be stored: it {_UNSTORABLE_TEXT}")
        level = below


def _check_form(form: QueryDict) -> None:
    for name, values in form.lists():
        if not is_storable(name) or not all(is_storable(value) for value in values if isinstance(value, str)):
            raise ParseError(f"A text of the form cannot be stored: it {_UNSTORABLE_TEXT}", "malformed_form")


def is_storable(text: str) -> bool:
    """Return whether a database can store the text.

    >>> is_storable("a\\x00b"), is_storable("ok")
    (False, True)
    """
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_deep() -> str:
    return f"The JSON of the request is nested too deeply: at most {_DEEPEST} levels."


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ParseError(f"A number of the request has more than {_MOST_DIGITS} digits.")
    return int(text)


def _real(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ParseError("A number of the request is too large.")
    return number


def _no_number(name: str) -> float:
    raise ParseError(f"{name} is not a number of JSON.")
