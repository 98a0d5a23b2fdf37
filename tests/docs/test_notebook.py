"""The notebook of the docs runs, on a file like those that the platform exports."""

import json
from pathlib import Path

import pytest

from tests.feature_files import write_small_export

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "features.ipynb"


@pytest.fixture
def cells() -> list[dict]:
    return json.loads(NOTEBOOK.read_text())["cells"]


@pytest.fixture
def export(tmp_path, monkeypatch) -> None:
    """``features.safetensors`` in the folder the notebook is run in."""
    write_small_export(tmp_path / "features.safetensors", size=12)
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
