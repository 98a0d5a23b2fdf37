"""Sheets of annotations: what a column or an empty cell of them states."""

import pytest

from models_ml.formats import annotations
from models_ml.formats.base import Finding

HEAD = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Emotion"


def read(column: str, *cells: str) -> Finding:
    rows = [f"1,EP{number},10,20,30,fear,{cell}" for number, cell in enumerate(cells, 1)]
    return annotations.read("s.csv", "\n".join([f"{HEAD},{column}", *rows]).encode())


def test_an_empty_kind_says_nothing() -> None:
    found = read("Kind", "macro", "").annotations
    assert [(m.kind, "kind" in m.silent) for m in found] == [("macro", False), ("micro", True)]


@pytest.mark.parametrize("name", ["Coder", "Annotator", "rater"])
def test_the_column_of_coders_has_several_names(name: str) -> None:
    assert [m.coder for m in read(name, "anna", "ben").annotations] == ["anna", "ben"]


@pytest.mark.parametrize("name", ["Coder ID", "Annotator name", "labelled by"])
def test_a_column_that_looks_like_coders_is_a_warning(name: str) -> None:
    finding = read(name, "anna", "ben")
    assert [m.coder for m in finding.annotations] == ["", ""]
    assert [(p.severity, p.code, p.column) for p in finding.problems] == [
        ("warning", "column-unknown", "coder")
    ]


def test_a_single_unit_can_be_a_decimal_number_as_pandas_writes_it() -> None:
    assert [m.action_units for m in read("AU", "4.0", "12.00", "1+2").annotations] == ["4", "12", "1+2"]
