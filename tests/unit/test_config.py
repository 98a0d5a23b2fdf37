import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from models_ml.config import NetConfig, RunConfig, map_sizes
from models_ml.errors import InputError


def errors(config: dict[str, Any]) -> list[tuple[str, str]]:
    """The field path and message of every error in ``config``."""
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate(config)
    return [(".".join(map(str, e["loc"])), e["msg"]) for e in caught.value.errors()]


def test_the_default_is_the_best_configuration_of_the_source() -> None:
    net = RunConfig().net
    assert (net.placement, net.kernels, net.fusion) == (2, (2, 3, 4, 5, 6), "concat")


def test_a_kernel_larger_than_its_map_is_named_with_all_numbers() -> None:
    assert errors({"net": {"kernels": [2, 9, 3, 7]}, "features": {"size": 28}})[0] == (
        "net.kernels.1",
        "kernel 9 is larger than the 6×6 map after layer 2 (input 28×28): "
        "choose a smaller kernel, an earlier placement or a larger feature size",
    )


def test_a_kernel_as_large_as_its_map_is_fine() -> None:
    assert RunConfig(net=NetConfig(kernels=(6,))).net.kernels == (6,)


def test_a_larger_input_allows_larger_kernels() -> None:
    RunConfig.model_validate({"net": {"kernels": [9]}, "features": {"size": 64}})


def test_a_map_shrunk_to_nothing_is_named_with_its_numbers() -> None:
    [(field, message)] = errors({"net": {"layers": 5, "kernels": [1]}, "features": {"size": 8}})
    assert field == "net.layers"
    assert message == (
        "nothing is left of the 1×1 map after layer 5, which ends in a 3×3 pooling (input 8×8): "
        "use fewer layers or a larger feature size"
    )


def test_a_placement_after_the_last_layer_is_refused() -> None:
    [(field, message)] = errors({"net": {"layers": 2, "placement": 3}})
    assert field == "net.placement"
    assert message.startswith("placement 3 is after the last layer: the network has 2")


@pytest.mark.parametrize(
    ("kernels", "field", "words"),
    [
        ([], "net.kernels", "at least one kernel"),
        ([2, 3, 2], "net.kernels.2", "kernel 2 is given twice"),
        ([0], "net.kernels.0", "greater than or equal to 1"),
        ([2.5], "net.kernels.0", "valid integer"),
        ("2,3", "net.kernels", "valid tuple"),
    ],
)
def test_unusable_kernels_are_refused(kernels: Any, field: str, words: str) -> None:
    assert any(loc == field and words in msg for loc, msg in errors({"net": {"kernels": kernels}}))


def test_grid_fusion_needs_the_pyramid_after_the_last_layer() -> None:
    [(field, message)] = errors({"net": {"fusion": "grid", "layers": 3, "placement": 2}})
    assert field == "net.fusion"
    assert "layer 3 cannot convolve" in message
    RunConfig.model_validate({"net": {"fusion": "grid", "layers": 2, "placement": 2}})


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"sed": 1}, "sed"),
        ({"net": {"kernel": [2]}}, "net.kernel"),
        ({"train": {"learning_rate": float("nan")}}, "train.learning_rate"),
        ({"train": {"epochs": 0}}, "train.epochs"),
        ({"net": {"name": "resnet"}}, "net.name"),
        ({"seed": -1}, "seed"),
    ],
)
def test_unknown_fields_and_values_out_of_bounds_are_refused(config: dict[str, Any], field: str) -> None:
    assert [loc for loc, _ in errors(config)] == [field]


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig().seed = 3  # type: ignore[misc]


def test_map_sizes_refuses_a_map_shrunk_to_nothing() -> None:
    with pytest.raises(InputError, match="after layer 5"):
        map_sizes(NetConfig(layers=5), 8)


def test_the_hash_depends_on_content_alone() -> None:
    one = RunConfig.model_validate_json('{"seed": 1, "net": {"width": 0.5, "layers": 2}}')
    two = RunConfig.model_validate_json('{"net": {"layers": 2, "width": 0.50}, "seed": 1, "train": {}}')
    assert one.content_hash() == two.content_hash()
    assert one.content_hash() != one.model_copy(update={"seed": 2}).content_hash()


def test_a_configuration_survives_json() -> None:
    config = RunConfig(net=NetConfig(kernels=(3, 2), pooling="max"), seed=5)
    assert RunConfig.model_validate(json.loads(config.model_dump_json())) == config


def test_a_form_can_be_built_from_the_schema() -> None:
    schema = RunConfig.model_json_schema()
    for model in schema["$defs"].values():
        for name, field in model["properties"].items():
            assert {"title", "description", "default"} <= field.keys(), name
            number = field["items"] if field["type"] == "array" else field
            if number["type"] in ("integer", "number"):
                assert {"minimum", "maximum"} <= number.keys(), name


def test_the_configuration_loads_without_torch_numpy_or_opencv() -> None:
    code = "import sys, models_ml.config; print({'torch', 'cv2', 'numpy', 'av'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"
