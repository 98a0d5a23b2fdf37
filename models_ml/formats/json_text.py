"""Reading the JSON of a file that a person gives, with errors in words."""

import json
from typing import Any

from models_ml.errors import InputError

_MOST_DIGITS = 40  # of a whole number that stays one


def parse(name: str, content: bytes) -> Any:
    """Return the document of a file. Raises InputError with the place at which it stops being JSON.

    A whole number of more than 40 digits becomes the nearest floating-point number, which is infinite from 310 digits: it
    then fails the check of its field, without arithmetic on thousands of digits.

    >>> parse("a.json", b'{"frame": 12}')
    {'frame': 12}
    """
    try:
        return json.loads(content, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise InputError(f"“{name}” is not encoded in UTF-8 or UTF-16. Save it again as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"“{name}” is not JSON from line {error.lineno}, column {error.colno} on. Correct it there, or export it again."
        ) from error
    except RecursionError as error:
        raise InputError(f"“{name}” is nested too deeply to be read. Export it again.") from error


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= _MOST_DIGITS else float(text)
