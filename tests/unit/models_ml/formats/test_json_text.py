"""JSON files: what cannot be read is refused in words, and numbers of thousands of digits cost nothing."""

import math

import pytest

from models_ml.errors import InputError
from models_ml.formats import json_text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a":\n 1,}', "not JSON from line 2, column"),
        (b"[" * 200_000, "nested too deeply"),
        (b'"\xff"', "not encoded in UTF-8"),
    ],
)
def test_what_is_not_json_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        json_text.parse("a.json", content)


def test_a_number_of_thousands_of_digits_is_infinite() -> None:
    assert json_text.parse("a.json", b"[" + b"9" * 100_000 + b"]") == [math.inf]
