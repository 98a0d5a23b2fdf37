"""How pages of experiments write intervals and p values."""

from mer_platform.experiments.templatetags.experiments import interval, p_value


def test_an_interval_has_three_decimals():
    assert interval((0.1234, 0.5)) == "0.123–0.500"
    assert interval((-0.1, 0.25), " to ") == "-0.100 to 0.250"


def test_a_missing_interval_says_why():
    assert "fewer than two subjects" in interval(None)


def test_small_p_values_have_a_bound():
    assert [p_value(p) for p in (0.0004, 0.001, 0.04567)] == ["p < 0.001", "p = 0.001", "p = 0.046"]
