"""Rules: what they let through, and their messages about mistakes."""

import pytest
from django.core.exceptions import ValidationError

from mer_platform.composites.rules import Rules, parse_rules


def test_default_rules_are_stored_as_an_empty_object():
    assert Rules().stored() == {}
    assert parse_rules(None) == parse_rules({}) == Rules()


def test_rules_survive_being_stored_as_json():
    rules = parse_rules(
        {"without": ["SAMM / 006", ["SMIC", "s01", "s01_ne_01"]], "shortest": 40, "unit": "frames"}
    )
    assert rules.without == (("SAMM", "006"), ("SMIC", "s01", "s01_ne_01"))
    assert parse_rules(rules.stored()) == rules
    assert "/" not in str(rules.stored())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": ["micro"]}, "Rule “kind” not found. The rules are material, kinds"),
        ({"kinds": []}, "Choose at least one kind"),
        ({"apex": "guessed"}, "apex: Must be one of spotted, coded, not “guessed”"),
        (
            {"shortest": 500, "longest": 100},
            r"The shortest duration \(500\) is longer than the longest \(100\)",
        ),
        ({"shortest": -1}, "shortest: Must be 0 or more, not -1"),
        ({"without": ["a / b / c / d"]}, "without.0: .*at most 3"),
        (["micro"], "Must be an object with named values, not a list of 1"),
    ],
)
def test_a_wrong_rule_is_named(data, words):
    with pytest.raises(ValidationError, match=words):
        parse_rules(data)


def test_a_scope_contains_everything_inside_it_in_any_spelling():
    rules = parse_rules({"without": ["casme ii / SUB04", "SAMM/006/006_1_2"]})
    assert rules.refuses_scope(("CASME II", "sub04", "EP12_01f")) == "excluded by a rule"
    assert rules.refuses_scope(("SAMM", "006", "006_1_2"))
    assert not rules.refuses_scope(("SAMM", "006", "006_1_3"))
    assert not rules.refuses_scope(("CASME II", "sub040", "EP12_01f"))


def test_a_rule_can_include_only_some_scopes():
    rules = parse_rules({"only": ["SMIC"]})
    assert not rules.refuses_scope(("SMIC", "s01", "x"))
    assert "not included by a rule" in rules.refuses_scope(("SAMM", "006", "x"))


@pytest.mark.parametrize(
    ("rule", "frames", "ms", "reason"),
    [
        ({"longest": 500}, 101, 500, ""),
        ({"longest": 500}, 101, 840, "longer than 500 ms"),
        ({"shortest": 10, "unit": "frames"}, 9, None, "shorter than 10 frames"),
        ({"shortest": 10, "unit": "frames"}, 10, None, ""),
        ({"longest": 500}, 10, None, "times of its frames are not known"),
    ],
)
def test_durations_count_in_milliseconds_or_frames(rule, frames, ms, reason):
    assert reason in parse_rules(rule).refuses_duration(frames, ms)
    assert bool(parse_rules(rule).refuses_duration(frames, ms)) == bool(reason)


def test_a_rule_that_matches_nothing_is_named():
    rules = parse_rules({"without": ["SAMM / 066"], "only": ["SAMM"]})
    assert rules.unknown_scopes([("SAMM", "006", "006_1_2")]) == ["SAMM / 066"]
