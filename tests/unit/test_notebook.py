"""The notebook of the docs runs, on a file like those that the platform exports."""

import json
from pathlib import Path

import numpy as np
import pytest

from models_ml.featurefile import FeatureFile

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "features.ipynb"
SUBJECTS = 4
PICTURES_A_SUBJECT = 6


@pytest.fixture
def cells() -> list[dict]:
    return json.loads(NOTEBOOK.read_text())["cells"]


@pytest.fixture
def export(tmp_path, monkeypatch) -> None:
    """``features.safetensors`` in the folder the notebook is run in: each class moves in a third of its own."""
    count = SUBJECTS * PICTURES_A_SUBJECT
    labels = np.arange(count) % 3
    features = np.random.default_rng(0).normal(0, 0.1, (count, 3, 12, 12)).astype(np.float32)
    for picture, label in zip(features, labels, strict=True):
        picture[:, 4 * label : 4 * label + 4] += 1
    subjects = [i // PICTURES_A_SUBJECT for i in range(count)]
    FeatureFile(
        features=features,
        labels=labels,
        classes=("negative", "positive", "surprise"),
        subjects=tuple(f"s{subject}" for subject in subjects),
        databases=tuple("SMIC" if subject % 2 else "SAMM" for subject in subjects),
        names=tuple(f"clip {i}" for i in range(count)),
        sources=("clip",) * count,
        version="Lab v1",
        content_hash="ab" * 32,
        config={"size": 12},
    ).write(tmp_path / "features.safetensors", "safetensors")
    monkeypatch.chdir(tmp_path)


def test_its_cells_run_in_order(cells, export, capsys):
    names: dict = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102 (our own notebook)
    printed = capsys.readouterr().out
    assert "FlowDataset('Lab v1', 24 samples, 12×12, abababababab)" in printed
    assert "SMIC {'negative': 4, 'positive': 4, 'surprise': 4}" in printed
    assert names["result"].uf1 == 1  # the classes move in places of their own


def test_its_outputs_are_cleared(cells):
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
