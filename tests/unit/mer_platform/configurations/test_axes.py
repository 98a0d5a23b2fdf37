"""The axes of a grid as text."""

import pytest

from mer_platform.configurations.axes import format_values, parse_values, settings_to_vary, title_of

AXES = [
    ("net.kernels", "2,3 | 2,3,4", [[2, 3], [2, 3, 4]]),
    ("net.placement", "1 | 2", [1, 2]),
    ("train.learning_rate", "0.001 | 0.01", [0.001, 0.01]),
    ("train.flip", "yes | no", [True, False]),
    ("net.pooling", "average | max", ["average", "max"]),
    ("net", "vgg_m | ststnet", [{"name": "vgg_m"}, {"name": "ststnet"}]),
    ("net", '{"name": "vgg_m", "layers": 2}', [{"name": "vgg_m", "layers": 2}]),
    ("protocol", "loso | lodo", ["loso", "lodo"]),
]


@pytest.mark.parametrize(("path", "text", "values"), AXES)
def test_values_survive_their_text(path, text, values):
    assert parse_values(path, text, "vgg_m_spp") == values
    assert format_values(path, values) == text


def test_values_that_are_not_lists_may_be_separated_by_commas():
    assert parse_values("train.epochs", "10, 20", "vgg_m") == [10, 20]


def test_each_setting_has_one_title():
    paths = [path for section in settings_to_vary().values() for path, _ in section]
    assert len(paths) == len(set(paths))
    assert title_of("net.kernels") == "Kernels"
