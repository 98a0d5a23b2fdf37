"""Problems that say the same are one group, and problems that say something else are another."""

import csv
import io

from models_ml.formats.problem_groups import group_problems, place_of, problems_csv, wording_of


def problem(message: str, severity: str = "warning", code: str = "code", **where) -> dict:
    return {"severity": severity, "code": code, "message": message, **where}


def test_names_numbers_lists_and_quoted_words_may_differ():
    one = problem("Folder EP02 of sub01 not found: “x” has 3 rows, 4, 5–9.", subject="sub01", clip="EP02")
    other = problem("Folder smile of Anna not found: “yes, no” has 12 rows, 2.", subject="Anna", clip="smile")
    assert wording_of(one) == wording_of(other) == "Folder … of … not found: “…” has … rows, …"
    assert wording_of(problem("a/b.png and c/d.png are both frame 3.")) == "… are both frame …"


def test_a_name_is_replaced_only_as_a_whole_word():
    assert wording_of(problem("The onset of on is missing.", clip="on")) == "The onset of … is missing."


def test_other_words_severities_and_codes_are_other_groups():
    rows = [
        problem("The row has no onset."), problem("The row has no offset."),
        problem("The row has no onset.", severity="error"), problem("The row has no onset.", code="other"),
    ]  # fmt: skip
    assert len(group_problems(rows)) == 4


def test_errors_come_first_and_then_what_is_frequent():
    rows = [
        problem("Note.", "info"), problem("Rare."), problem("Frame 1."), problem("Frame 2."),
        problem("Wrong.", "error", row=3),
    ]  # fmt: skip
    found = [(group.severity, group.message, group.count) for group in group_problems(rows)]
    assert found == [
        ("error", "Wrong.", 1),
        ("warning", "Frame …", 2),
        ("warning", "Rare.", 1),
        ("info", "Note.", 1),
    ]


def test_a_message_that_does_not_differ_is_shown_as_it_is():
    [group] = group_problems([problem("Row has “/” in column 3.", row=n) for n in (5, 9, 11, 20)])
    assert (group.message, group.places) == ("Row has “/” in column 3.", ["row 5", "row 9", "row 11"])


def test_a_place_names_what_is_known():
    where = {"file": "coding.xlsx", "row": 14, "column": "Apex", "subject": "sub01", "clip": "EP02"}
    assert place_of(where) == "coding.xlsx, row 14, column Apex, sub01/EP02"
    assert place_of({"file": "", "row": None}) == ""


def test_keys_are_stable_and_differ_between_groups():
    rows = [problem("Frame 1."), problem("No frames.")]
    first, again = group_problems(rows), group_problems(reversed(rows))
    assert {group.key for group in first} == {group.key for group in again}
    assert first[0].key != first[1].key


def test_the_csv_has_one_line_per_problem_and_no_formulas():
    text = problems_csv([problem("=1+1", row=2, file="a.csv"), problem("Größe", clip="x")])
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(line["message"], line["row"], line["clip"]) for line in lines] == [
        ("'=1+1", "2", ""),
        ("Größe", "", "x"),
    ]
