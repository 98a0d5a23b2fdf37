import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from models_ml.config import NET_CONFIGS, RunConfig, SweepConfig, VggMSpp, field_path


def errors(config: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the field path and message of each error in ``config``."""
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate(config)
    return [(field_path(e["loc"]), e["msg"]) for e in caught.value.errors()]


def test_the_default_is_the_best_configuration_of_the_paper() -> None:
    net = RunConfig().net
    assert isinstance(net, VggMSpp)
    assert (net.placement, net.kernels, net.fusion) == (2, (2, 3, 4, 5, 6), "concat")


def test_a_kernel_larger_than_its_map_is_reported_with_all_sizes() -> None:
    assert errors({"net": {"kernels": [2, 9, 3, 7]}, "features": {"size": 28}})[0] == (
        "net.kernels.1",
        "Kernel 9 is larger than the 6×6 map after layer 2 (input 28×28). "
        "Choose a smaller kernel, an earlier placement or a larger feature size.",
    )


def test_a_kernel_as_large_as_its_map_is_fine() -> None:
    assert RunConfig(net=VggMSpp(kernels=(6,))).net == VggMSpp(kernels=(6,))


def test_a_larger_input_allows_larger_kernels() -> None:
    RunConfig.model_validate({"net": {"kernels": [9]}, "features": {"size": 64}})


@pytest.mark.parametrize(
    ("net", "size", "field", "message"),
    [
        (
            {"layers": 5, "kernels": [1]},
            8,
            "net.layers",
            "Nothing is left of the 1×1 map after layer 5, which ends with a 3×3 pooling (input 8×8). "
            "Use fewer layers or a larger feature size.",
        ),
        (
            {"name": "sssnet"},
            12,
            "net.name",
            "Nothing is left of the 2×2 map after layer 2, which ends with a 3×3 convolution (input 12×12). "
            "Choose another network or a larger feature size.",
        ),
        (
            {"name": "rcn_a", "layers": 4},
            28,
            "net.layers",
            "Nothing is left of the 1×1 map after recurrent layer 4, which ends with a 2×2 pooling (input 28×28). "
            "Use fewer layers or a larger feature size.",
        ),
        (
            {"name": "rcn_a", "grid": 7},
            28,
            "net.grid",
            "A grid of 7×7 is finer than the 6×6 map after recurrent layer 1 (input 28×28). Choose a grid of at most "
            "6, fewer layers or a larger feature size.",
        ),
        (
            {"name": "vit", "patch": 5},
            28,
            "net.patch",
            "A 28×28 image cannot be cut into patches of 5×5. Choose a patch that divides 28 (2, 4, 7, 14) or "
            "another feature size.",
        ),
        (
            {"name": "htnet", "patch": 4},
            28,
            "net.levels",
            "2 levels need 2×2 equal blocks, and the 7×7 patches of 4×4 pixels (input 28×28) do not divide into them. "
            "Choose fewer levels, another patch or another feature size.",
        ),
        (
            {"name": "hoof_svm", "grid": 12},
            8,
            "net.grid",
            "A grid of 12×12 cells is finer than the 8×8 image. Choose a grid of at most 8 or a larger feature size.",
        ),
    ],
)
def test_a_network_that_does_not_fit_the_image_is_reported_with_its_sizes(
    net: dict[str, Any], size: int, field: str, message: str
) -> None:
    assert errors({"net": net, "features": {"size": size}}) == [(field, message)]


@pytest.mark.parametrize("name", ["vit", "htnet"])
def test_heads_that_do_not_divide_the_width_are_refused(name: str) -> None:
    assert errors({"net": {"name": name, "width": 32, "heads": 5}}) == [
        (
            "net.heads",
            "A width of 32 cannot be divided among 5 heads. Choose heads that divide 32, or another width.",
        )
    ]


def test_a_placement_after_the_last_layer_is_refused() -> None:
    [(field, message)] = errors({"net": {"layers": 2, "placement": 3}})
    assert field == "net.placement"
    assert message.startswith("Placement 3 is after the last layer: the network has 2")


@pytest.mark.parametrize(
    ("kernels", "field", "words"),
    [
        ([], "net.kernels", "at least one kernel"),
        ([2, 3, 2], "net.kernels.2", "Kernel 2 is given twice"),
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
        ({"net": {"name": "ststnet", "kernels": [2]}}, "net.kernels"),
        ({"net": {"name": "vit", "layers": 0}}, "net.layers"),
        ({"train": {"learning_rate": float("nan")}}, "train.learning_rate"),
        ({"train": {"epochs": 0}}, "train.epochs"),
        ({"train": {"epochs": 5, "warmup": 5}}, "train.warmup"),
        ({"protocol": "cross", "train_on": ["A"]}, "test_on"),
        ({"protocol": "cross", "train_on": ["A"], "test_on": ["B", "A"]}, "test_on"),
        ({"seed": -1}, "seed"),
    ],
)
def test_unknown_fields_and_values_out_of_bounds_are_refused(config: dict[str, Any], field: str) -> None:
    assert [loc for loc, _ in errors(config)] == [field]


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"net": {"kernels": [9]}, "train": {"epochs": 0}, "seed": -1}, ["net.kernels.0", "train.epochs", "seed"]),
        ({"features": {"size": 8}, "train": {"epochs": 0}}, ["net.kernels.0", "train.epochs"]),
        ({"train": {"learning_rate": 0, "epochs": 5, "warmup": 5}}, ["train.learning_rate", "train.warmup"]),
        ({"protocol": "cross", "folds": 1}, ["folds", "train_on", "test_on"]),
        ({"net": {"layers": 1, "kernels": [2, 2], "dropout": 1}}, ["net.dropout", "net.placement", "net.kernels.1"]),
        ({"net": {"layers": 9, "placement": 5}, "train": {"epochs": 0, "warmup": 5}}, ["net.layers", "train.epochs"]),
    ],
)  # fmt: skip
def test_one_error_does_not_hide_another(config: dict[str, Any], fields: list[str]) -> None:
    assert [field for field, _ in errors(config)] == fields


def test_the_error_of_an_unknown_network_lists_the_networks() -> None:
    [(field, message)] = errors({"net": {"name": "alexnet"}})
    assert field == "net"
    assert message == f"This network does not exist. Choose one of {', '.join(NET_CONFIGS)}."


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig().seed = 3  # type: ignore[misc]


def test_the_hash_depends_only_on_the_content() -> None:
    one = RunConfig.model_validate_json('{"seed": 1, "net": {"width": 0.5, "layers": 2}}')
    two = RunConfig.model_validate_json(
        '{"net": {"layers": 2, "name": "vgg_m_spp", "width": 0.50}, "seed": 1, "train": {}}'
    )
    assert one.content_hash() == two.content_hash()
    assert one.content_hash() != one.model_copy(update={"seed": 2}).content_hash()


@pytest.mark.parametrize("name", NET_CONFIGS)
def test_a_configuration_survives_json(name: str) -> None:
    config = RunConfig.model_validate({"net": {"name": name}, "seed": 5})
    assert RunConfig.model_validate(json.loads(config.model_dump_json())) == config


def test_a_form_can_be_built_from_the_schema() -> None:
    schema = RunConfig.model_json_schema()
    for model in schema["$defs"].values():
        for name, field in model["properties"].items():
            assert {"title", "description", "default"} <= field.keys(), name
            number = field["items"] if field["type"] == "array" else field
            if number["type"] in ("integer", "number"):
                assert {"minimum", "exclusiveMinimum"} & number.keys(), name
                assert "maximum" in number, name


def test_the_configuration_loads_without_torch_numpy_or_opencv() -> None:
    code = "import sys, models_ml.config; print({'torch', 'cv2', 'numpy', 'av'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("config", "digest"),
    [
        ({}, "292fef2cf2e4ef582b240e60ba295a5e9db75d5477c28d2ea26dbf8bb789d968"),
        ({"net": {"name": "hoof_svm"}}, "09cff108047e2e9d3dee1d3975486190c16a40e2e90ad4607d9aeef2027a22a7"),
    ],
)
def test_hashes_of_stored_runs_stay_what_they_were(config, digest):
    assert RunConfig.model_validate(config).content_hash() == digest


@pytest.mark.parametrize(
    "unused",
    [
        {"net": {"name": "hoof_svm"}, "train": {"epochs": 7}, "ensemble": 3},
        {"net": {"name": "majority"}, "train": {"class_weights": "none"}},
        {"train": {"focal_gamma": 3.0}},
        {"folds": 7},
    ],
)
def test_settings_that_change_nothing_are_not_hashed(unused):
    net = {"net": unused["net"]} if "net" in unused else {}
    usual = RunConfig.model_validate(net)
    assert RunConfig.model_validate(unused).content_hash() == usual.content_hash()


def test_class_weights_change_a_fitted_network():
    usual = RunConfig.model_validate({"net": {"name": "hoof_svm"}})
    other = RunConfig.model_validate({"net": {"name": "hoof_svm"}, "train": {"class_weights": "none"}})
    assert usual.content_hash() != other.content_hash()


def test_a_grid_over_a_setting_that_changes_nothing_is_one_run():
    assert len(SweepConfig(base={"net": {"name": "hoof_svm"}}, grid={"train.epochs": [5, 10]}).runs()) == 1
