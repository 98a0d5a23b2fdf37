import json

import numpy as np
import pytest
import torch
from safetensors.torch import save

from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.training.members import MemberSeed, build_members
from models_ml.training.model import FORMAT, TrainedModel

CONFIG = RunConfig.model_validate({"net": {"width": 0.05}, "seed": 4})


@pytest.fixture
def model() -> TrainedModel:
    network, _ = build_members(CONFIG.net, 28, [MemberSeed(CONFIG.seed, ("a",))])
    return TrainedModel(CONFIG, network.eval())


def rewritten(data: bytes, change: dict[str, object]) -> bytes:
    """Return the model file ``data`` with fields of its description replaced."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    description = json.loads(header["__metadata__"]["model"]) | change
    header["__metadata__"]["model"] = json.dumps(description)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def test_a_saved_model_predicts_the_same_bits(model: TrainedModel) -> None:
    features = np.random.default_rng(0).normal(size=(5, 3, 28, 28)).astype(np.float32)
    loaded = TrainedModel.load_bytes(model.save_bytes())
    assert loaded.predict(features).tobytes() == model.predict(features).tobytes()
    assert (loaded.config, loaded.classes) == (CONFIG, model.classes)
    assert loaded.save_bytes() == model.save_bytes()


def test_predicting_needs_features_of_the_trained_size(model: TrainedModel) -> None:
    with pytest.raises(InputError, match="28, 28"):
        model.predict(np.zeros((1, 3, 32, 32), np.float32))


def test_an_incomplete_file_is_refused(model: TrainedModel) -> None:
    data = model.save_bytes()
    for length in (0, 4, 8, 100, len(data) // 2, len(data) - 1):
        with pytest.raises(InputError, match="not a complete model file"):
            TrainedModel.load_bytes(data[:length])


@pytest.mark.parametrize(
    "data", [b"not a model", b"\x80\x04\x95\x00\x00", b"PK\x03\x04" * 50, b"\xff" * 64], ids=repr
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not a complete model file"):
        TrainedModel.load_bytes(data)


def test_weights_without_a_description_are_refused(model: TrainedModel) -> None:
    with pytest.raises(InputError, match="no description"):
        TrainedModel.load_bytes(save({"w": torch.zeros(2)}))
    with pytest.raises(InputError, match="no description"):
        TrainedModel.load_bytes(save({"w": torch.zeros(2)}, metadata={"model": "[1"}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "mer-model-9"}, f"the format 'mer-model-9'. This version reads {FORMAT}"),
        ({"config": {"net": {"kernels": [40]}}}, r"version\. net\.kernels\.0: Kernel 40 is larger"),
        (
            {"config": CONFIG.model_dump(mode="json") | {"net": {"width": 0.06}}},
            "do not fit its configuration",
        ),
        ({"classes": ["one", "two"]}, "do not fit its configuration"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    model: TrainedModel, change: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        TrainedModel.load_bytes(rewritten(model.save_bytes(), change))


def test_weights_that_are_not_finite_are_refused(model: TrainedModel) -> None:
    with torch.no_grad():
        model.network.get_parameter("classify.bias")[0, 0] = float("nan")
    with pytest.raises(InputError, match=r"not finite: see classify\.bias"):
        TrainedModel.load_bytes(model.save_bytes())


def test_a_scale_of_zero_is_refused(model: TrainedModel) -> None:
    model.network.get_buffer("layers.0.0.scale").zero_()
    with pytest.raises(InputError, match=r"not above zero: see layers\.0\.0\.scale"):
        TrainedModel.load_bytes(model.save_bytes())
