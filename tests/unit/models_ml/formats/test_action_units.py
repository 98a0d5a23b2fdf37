"""Action units are read in one way. The JavaScript of the labeler passes the same cases."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from models_ml.formats.action_unit_grammar import (
    LIPS,
    MOVEMENTS,
    NUMBERS,
    ONLY_MOVEMENTS,
    ActionUnit,
    Choice,
    Term,
)
from models_ml.formats.action_units import (
    MAX_CHARACTERS,
    are_units,
    canonical,
    certain_numbers,
    import_units,
    parse_action_units,
    read_units,
)
from models_ml.formats.report import ImportReport

SHARED = json.loads((Path(__file__).parents[2] / "action_units.json").read_text())
CASES = SHARED["cases"]
PUBLISHED = (
    "4+7",
    "A12",
    "ref(7B)+43",
    "10A/B",
    "(R6 or R12)+R15",
    "L14B?",
)  # as the sheets of SAMM write them


@pytest.mark.parametrize("case", CASES, ids=[case["written"] or "nothing" for case in CASES])
def test_a_text_is_read_as_the_shared_cases_say(case: dict[str, Any]) -> None:
    written = case["written"]
    assert read_units(written) == (case["read"], case["left_out"])
    assert sorted(certain_numbers(written)) == case["certain"]
    assert are_units(written) is case["are_units"]


def test_the_numbers_are_those_of_the_shared_cases() -> None:
    assert sorted(NUMBERS) == SHARED["numbers"]


@pytest.mark.parametrize("written", PUBLISHED)
def test_units_as_published_stay_as_they_are(written: str) -> None:
    assert canonical(written) == written


@pytest.mark.parametrize("case", CASES, ids=[case["written"] or "nothing" for case in CASES])
def test_the_stored_form_is_read_as_itself(case: dict[str, Any]) -> None:
    assert canonical(case["read"]) == case["read"]


def test_strict_reading_refuses_what_lenient_reading_leaves_out() -> None:
    for case in CASES:
        if case["left_out"]:
            with pytest.raises(ValueError, match=re.escape(case["left_out"][0])):
                canonical(case["written"])


def _random_unit(rng: random.Random) -> ActionUnit:
    number = rng.choice(sorted(NUMBERS - {0}))
    prefixes = ["", "L", "R", "U", "A"] if number not in ONLY_MOVEMENTS else ["M"]
    prefixes += ["T", "B"] if number in LIPS else []
    prefixes += ["M"] if number in MOVEMENTS else []
    intensity = rng.choice(["", "A", "C", "E", "A/B", "C/E"])
    flags = [rng.random() < 0.2 for _ in range(3)]
    return ActionUnit(number, rng.choice(prefixes), intensity, *flags)  # type: ignore[arg-type]


def _random_term(rng: random.Random) -> Term:
    if rng.random() < 0.8:
        return _random_unit(rng)
    options = [_random_unit(rng) for _ in range(rng.randint(2, 3))]
    plain = [ActionUnit(o.number, o.prefix, o.intensity, o.doubtful, False, o.reference) for o in options]
    return Choice(tuple(dict.fromkeys(plain))) if len(set(plain)) > 1 else plain[0]


@pytest.mark.parametrize("seed", range(50))
def test_any_term_is_read_as_itself(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        term = _random_term(rng)
        assert parse_action_units(str(term)) == [term]


@pytest.mark.parametrize("seed", range(50))
def test_any_text_is_read_and_its_stored_form_stays(seed: int) -> None:
    rng = random.Random(seed)
    pieces = [
        *"0123456789LRUATBMEC+,;/&()?. ",
        "AU",
        " or ",
        " and ",
        "ref",
        "ref(",
        "12",
        "24",
        "smile",
        "？",
        "１",
        "、",
    ]
    for _ in range(100):
        written = "".join(rng.choices(pieces, k=rng.randint(0, 30)))
        read, left_out = read_units(written)
        assert read_units(read) == (read, []), written
        assert len(read) <= MAX_CHARACTERS
        assert all(sentence.endswith(".") for sentence in left_out)


@pytest.mark.parametrize(
    "written", ["(" * 50_000, "1 " * 50_000, " or " * 20_000, "9" * 50_000, "smile " * 20_000, "12?" * 20_000]
)
def test_a_long_text_is_read_at_once(written: str) -> None:
    read, left_out = read_units(written)
    assert len(read) <= MAX_CHARACTERS
    assert read or left_out
    assert all(len(sentence) < 200 for sentence in left_out)


def test_an_import_warns_of_each_part_and_keeps_the_rest() -> None:
    report = ImportReport()
    assert import_units("4+smile+99", report, file="coding.xlsx", row=3) == "4"
    assert [(p.severity, p.code, p.row, p.column) for p in report.problems] == [
        ("warning", "action-units-unreadable", 3, "action_units")
    ] * 2
    assert report.problems[0].message == (
        "“smile” is not an action unit. Write numbers joined by +, for example 4+L10+R12A. Imported as 4."
    )
    assert import_units("smile+" * 9, report) == ""
    assert len(report.problems) == 2 + 7
    assert report.problems[-1].message == "3 more parts are not action units. Imported without action units."
