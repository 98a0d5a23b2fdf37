"""The parser of JSON in requests."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

_MOST_DIGITS = 40


class JsonParser(JSONParser):
    """Parses JSON, and refuses it in words: also numbers and nesting that fields could not compute with."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the document. Raises ParseError."""
        encoding = (parser_context or {}).get("encoding", "utf-8")
        try:
            text = stream.read().decode(encoding)
            return json.loads(text, parse_int=_whole, parse_float=_real, parse_constant=_no_number)
        except json.JSONDecodeError as error:
            raise ParseError(
                f"The request is not JSON from line {error.lineno}, column {error.colno} on."
            ) from error
        except (UnicodeDecodeError, LookupError) as error:
            raise ParseError("The request is not JSON in UTF-8.") from error
        except RecursionError as error:
            raise ParseError("The JSON of the request is nested too deeply.") from error


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
