"""Names of a person in texts: what is replaced, and what means someone or something else."""

import pytest

from mer_platform.withdrawals.columns import undecided
from mer_platform.withdrawals.words import Names


def names(
    subject="Quillfeather", clips=("EP02_01f",), files=("take-7.mp4",), taken=(), database="Lab"
) -> Names:
    return Names.of(database, subject, clips, files, "withdrawn-1", taken)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deleted Lab/Quillfeather/EP02_01f", "deleted Lab/withdrawn-1/withdrawn-1"),
        ("QUILLFEATHER laughs", "withdrawn-1 laughs"),
        ("Quillfeather_2 and Quillfeathers", "withdrawn-1_2 and Quillfeathers"),
        ("in “take-7.mp4”, again in take-7.png", "in “withdrawn-1”, again in withdrawn-1.png"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_a_distinct_name_is_replaced_everywhere(text, expected):
    assert names().text(text) == expected


def test_a_short_or_shared_name_is_replaced_only_where_it_must_mean_the_person():
    short = names("s1", ("1",), ("1.avi",))
    assert (
        short.text("Lab/s1/1, Lab / s1, run 1, s1")
        == "Lab/withdrawn-1/withdrawn-1, Lab / withdrawn-1, run 1, s1"
    )
    assert short.text("row 4: s1 in Lab", about_person=True) == "row 4: withdrawn-1 in Lab"
    shared = names("sub01", taken={"sub01"})
    assert shared.text("Other/sub01, Lab/sub01") == "Other/sub01, Lab/withdrawn-1"
    assert short.text("Lab/s10/1") == "Lab/s10/1"


def test_letters_of_other_alphabets_are_found_also_where_json_escapes_them():
    zoe = names("Zoë Q.")
    assert zoe.text("Zoë Q. and ZOË Q. and Zo\\u00eb Q.") == "withdrawn-1 and withdrawn-1 and withdrawn-1"


def test_json_keeps_its_shape():
    value = {
        "without": [["Lab", "Quillfeather", "EP02_01f"], ["Other", "x"]],
        "per_subject": {"Lab/Quillfeather": 0.5, "Lab/b": 1},
        "rows": [{"database": "Lab", "subject": "Quillfeather", "clip": "a"}],
        "count": 3,
    }
    assert names().json(value) == {
        "without": [["Lab", "withdrawn-1", "withdrawn-1"], ["Other", "x"]],
        "per_subject": {"Lab/withdrawn-1": 0.5, "Lab/b": 1},
        "rows": [{"database": "Lab", "subject": "withdrawn-1", "clip": "a"}],
        "count": 3,
    }


def test_an_object_about_the_person_has_its_short_names_replaced():
    short = names("1", ("2",))
    row = {"database": "Lab", "subject": "1", "clip": "2", "label": "negative"}
    assert short.json(row) == {**row, "subject": "withdrawn-1", "clip": "withdrawn-1"}
    other = {"database": "Other", "subject": "1", "clip": "2"}
    assert short.json(other) == other


def test_each_column_of_text_was_decided_about():
    """A new column can name a person: state in columns.py whether it is searched, or why not."""
    assert list(undecided()) == []
