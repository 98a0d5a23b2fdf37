"""What is wrong with a value, in words that name the value and the rule."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models_ml.config import RunConfig
from models_ml.wording import NO_NUL, in_words


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    share: float = Field(0.5, gt=0, le=1)
    count: int = Field(1, ge=1)
    kind: Literal["micro", "macro"] = "micro"
    names: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)] = ("a",)
    text: str = Field("a", pattern=NO_NUL, max_length=3)
    flag: bool = False


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"share": 0}, "Must be more than 0, not 0."),
        ({"share": 1.5}, "Must be 1 or less, not 1.5."),
        ({"count": 0}, "Must be 1 or more, not 0."),
        ({"count": 1.5}, "Must be a whole number, not 1.5."),
        ({"count": None}, "Must be a whole number, not empty."),
        ({"kind": "mini"}, "Must be one of micro, macro, not “mini”."),
        ({"names": []}, "Must be a list of at least 1 value, not a list of 0."),
        ({"names": ["a", "b", "c"]}, "Must be a list of at most 2 values, not a list of 3."),
        ({"names": {"a": 1}}, "Must be a list, not an object."),
        ({"text": "a\0"}, "Must be a text without NUL characters, not “a”."),
        ({"text": "abcd"}, "Must be at most 3 characters long, not “abcd”."),
        ({"text": "\ud800"}, "Must be a text, not “?”."),
        ({"flag": "perhaps"}, "Must be true or false, not “perhaps”."),
        ({"size": 1}, "This setting does not exist."),
        ([], "Must be an object with named values, not a list of 0."),
    ],
)
def test_an_error_says_the_rule_and_the_value(data: Any, words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Strict.model_validate(data)
    assert [in_words(error) for error in raised.value.errors()] == [words]


def test_a_long_value_is_cut() -> None:
    assert in_words({"type": "int_parsing", "msg": "", "input": "x" * 99}).endswith("x…”.")


@pytest.mark.parametrize("kernel", [7, 99, 9999])
def test_each_kernel_that_is_too_large_gets_the_same_sentence(kernel: int) -> None:
    with pytest.raises(ValidationError) as raised:
        RunConfig.model_validate({"net": {"name": "vgg_m_spp", "kernels": [2, kernel]}})
    [error] = raised.value.errors()
    assert in_words(error).startswith(f"Kernel {kernel} is larger than the 6×6 map after layer 2")
