"""Layouts are found by convention: a module that defines LAYOUT is one, and nothing else names it."""

from pathlib import Path
from typing import get_args

import pytest

from models_ml import formats
from models_ml.formats import LAYOUTS, find_layouts
from models_ml.formats.base import Holds

TOY = '''"""A database for this test."""

from models_ml.formats.base import Finding, Layout

LAYOUT = Layout(key="{key}", title="Toy", expects="toy/1.jpg", read=lambda tree, sheet, accepted: Finding())
'''


def test_databases_come_first_and_annotation_tools_last() -> None:
    held = [layout.holds for layout in LAYOUTS.values()]
    assert (held[0], held[-1]) == ("clips", "annotations")
    assert held == sorted(held, key=get_args(Holds).index)
    assert {"casme2", "smic", "samm", "flow-images", "elan"} <= LAYOUTS.keys()


def test_a_new_module_is_found_without_being_named_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy_database.py").write_text(TOY.format(key="toy"))
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    assert find_layouts().keys() == {*LAYOUTS, "toy"}


def test_two_layouts_cannot_have_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "second_samm.py").write_text(TOY.format(key="samm"))
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="two layouts have the key samm"):
        find_layouts()
