"""Exported networks predict what PyTorch predicts."""

import json
import os
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch

from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.nets.build import build
from models_ml.nets.registry import NET_CONFIGS
from models_ml.registry.description import EXAMPLE, preprocessing_of
from models_ml.registry.onnx_export import OPSET, to_onnx
from models_ml.registry.temperature import calibrated
from models_ml.training.model import TrainedModel

INPUTS = np.random.default_rng(0).normal(scale=2, size=(9, 3, 28, 28)).astype(np.float32)
QUICK = {"net": {"name": "ststnet"}, "ensemble": 2}


def model_of(**settings) -> TrainedModel:
    config = RunConfig.model_validate(settings)
    torch.manual_seed(3)
    network = build(config.net, config.ensemble, config.features.size).eval()
    for name, buffer in network.named_buffers():
        if name.endswith("scale"):
            buffer.uniform_(0.5, 2)  # as training sets it
    return TrainedModel(config, network)


def run(content: bytes, inputs: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {"features": inputs})


def test_an_ensemble_with_its_scale_and_temperature_travels_in_one_file():
    model = model_of(**QUICK)
    made = to_onnx(model, INPUTS, 1.7)
    assert (made.opset, made.outputs) == (OPSET, ("probabilities", "calibrated_probabilities"))
    assert made.largest_difference < 1e-5
    more = np.random.default_rng(1).normal(size=(33, 3, 28, 28)).astype(np.float32)
    found, sure = run(made.content, more)
    wanted = model.predict(more)
    assert np.abs(found - wanted).max() < 1e-5
    assert np.abs(sure - calibrated(wanted, 1.7)).max() < 1e-5
    assert len(run(made.content, more[:1])[0]) == 1


def test_a_file_that_differs_from_pytorch_is_not_offered(monkeypatch):
    monkeypatch.setattr("models_ml.registry.onnx_export.TOLERANCE", -1)
    with pytest.raises(InputError, match="differs from PyTorch by up to"):
        to_onnx(model_of(net={"name": "majority"}), INPUTS)


def test_a_network_that_onnx_cannot_express_says_so(monkeypatch):
    model = model_of(net={"name": "majority"})
    monkeypatch.setattr(model.network, "forward", lambda x: torch.linalg.eig(x[:, 0])[0].real[:, None, :3])
    with pytest.raises(InputError, match="“majority” cannot be exported to ONNX"):
        to_onnx(model, INPUTS)


def test_the_example_of_a_package_runs_with_five_lines(tmp_path):
    model = model_of(net={"name": "majority"})
    made = to_onnx(model, INPUTS)
    (tmp_path / "model.onnx").write_bytes(made.content)
    described = preprocessing_of(model.config, model.classes, None)
    (tmp_path / "preprocessing.json").write_text(json.dumps(described))
    (tmp_path / "example.py").write_text(EXAMPLE)
    np.save(tmp_path / "features.npy", INPUTS)
    command = [sys.executable, "example.py", "features.npy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ)
    classes = [model.classes[i] for i in model.predict(INPUTS).argmax(axis=1)]
    assert done.stdout.strip() == str(classes)
    assert described["input"]["shape"] == ["samples", 3, 28, 28]


@pytest.mark.campaign
@pytest.mark.parametrize("ensemble", [1, 3])
@pytest.mark.parametrize("name", list(NET_CONFIGS))
def test_every_network_can_be_exported(name, ensemble):
    made = to_onnx(model_of(net={"name": name}, ensemble=ensemble), INPUTS, 2.0)
    assert made.largest_difference < 1e-4


@pytest.mark.campaign
@pytest.mark.parametrize(
    "net",
    [
        {"name": "vgg_m", "norm": "lrn"},
        {"name": "vgg_m_spp", "fusion": "grid", "kernels": [1, 2, 3], "layers": 2},
    ],
)
def test_other_forms_of_a_network_can_be_exported_too(net):
    assert to_onnx(model_of(net=net), INPUTS).largest_difference < 1e-4
