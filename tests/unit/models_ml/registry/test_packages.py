"""Packages of models: equal bytes, and refusals that name the place in the file."""

import hashlib
import io
import json
import struct
import zipfile

import numpy as np
import pytest

from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.nets.build import build
from models_ml.registry.limits import limits_of
from models_ml.registry.package import FORMAT, Package, read_package, write_package
from models_ml.training.model import TrainedModel

CONFIG = RunConfig.model_validate({"net": {"name": "majority"}})


@pytest.fixture(scope="module")
def weights() -> bytes:
    return TrainedModel(CONFIG, build(CONFIG.net).eval()).save_bytes()


@pytest.fixture
def facts(weights) -> dict:
    return {
        "format": FORMAT,
        "name": "Model",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "config": CONFIG.model_dump(mode="json"),
        "classes": list(CLASSES),
        "temperature": 1.5,
        "limits": limits_of([200.0], [150.0], [1.0]),
        "trained_on": ["0" * 64],
        "of_pictures": False,
        "origin": "a lab",
    }


def packed(weights: bytes, facts: dict, **more: bytes) -> bytes:
    target = io.BytesIO()
    write_package(target, {"model.safetensors": weights, "config.json": json.dumps(facts).encode(), **more})
    return target.getvalue()


def read(content: bytes) -> Package:
    return read_package(io.BytesIO(content), "m.zip")


def test_a_package_is_read_as_it_was_written_and_has_equal_bytes(weights, facts):
    content = packed(weights, facts, **{"card.json": b'{"a": 1}', "card.md": b"# Card"})
    assert content == packed(weights, facts, **{"card.json": b'{"a": 1}', "card.md": b"# Card"})
    found = read(content)
    assert (found.weights, found.name, found.config, found.temperature) == (weights, "Model", CONFIG, 1.5)
    assert found.limits == facts["limits"]
    assert (found.trained_on, found.origin, found.card) == (("0" * 64,), "a lab", {"a": 1})


def test_weights_alone_are_a_model_without_further_facts(weights):
    found = read(weights)
    assert (found.config, found.temperature, found.limits, found.name) == (CONFIG, None, {}, "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limits": {"fps": 1}}, "config.json: limits"),
        ({"temperature": 0}, "temperature: Must be 0.05 or more"),
        ({"name": ""}, "config.json: name"),
        ({"classes": ["a"]}, "config.json: the classes must be"),
        ({"sha256": "0" * 64}, "changed after its export"),
        ({"trained_on": ["../x"]}, "trained_on"),
        ({"format": "other"}, "format"),
        ({"more": 1}, "more"),
    ],
)
def test_facts_that_do_not_fit_are_refused_with_their_place(weights, facts, change, words):
    with pytest.raises(InputError) as refusal:
        read(packed(weights, {**facts, **change}))
    assert words in str(refusal.value)
    assert "m.zip" in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has 0 bytes"),
        (b"\x80\x04\x95" + b"pickle" * 9, "bytes 0 to 7"),
        (b"PK\x03\x04 and nothing", "damaged: it cannot be unpacked as a zip"),
        (struct.pack("<Q", 2) + b"{}", "no description of a model"),
        (struct.pack("<Q", 5) + b"{]aaa" + bytes(9), "line 1, column 2"),
        (struct.pack("<Q", 1 << 40) + bytes(99), "bytes 0 to 7"),
    ],
)
def test_files_that_are_no_models_are_refused_with_their_place(content, words):
    with pytest.raises(InputError, match=r"m\.zip") as refusal:
        read(content)
    assert words in str(refusal.value)


def zipped(*files: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return target.getvalue()


def test_archives_that_are_no_packages_are_refused(weights, facts):
    good = json.dumps(facts).encode()
    for files, words in (
        ([("model.pkl", b"x")], "must not contain “model.pkl”"),
        ([("../model.safetensors", b"x")], "must not contain “../model.safetensors”"),
        ([("config.json", good), ("config.json", good)], "must not contain “config.json” more than once"),
        ([("config.json", good)], "does not contain model.safetensors"),
        ([("model.safetensors", weights), ("config.json", b"[]")], "config.json: it must be a JSON object"),
        ([("model.safetensors", weights), ("config.json", b"[" * 200_000)], "nested too deeply"),
        ([("model.safetensors", weights), ("config.json", b" " * (9 << 20))], "larger than 8 MiB"),
        (
            [
                ("model.safetensors", weights),
                ("config.json", good),
                ("manifest.json", json.dumps({"sha256": {"config.json": "0"}}).encode()),
            ],
            "config.json does not have the SHA-256",
        ),
    ):
        with pytest.raises(InputError) as refusal:
            read(zipped(*files))
        assert words in str(refusal.value)


def test_a_package_that_was_cut_at_any_place_is_refused(weights, facts):
    content = packed(weights, facts)
    for end in np.linspace(0, len(content) - 1, 40).astype(int):
        with pytest.raises(InputError, match=r"m\.zip"):
            read(content[:end])
