"""Files of predictions: every way to write them, and every way in which they can be wrong."""

import io

import pyarrow as pa
import pytest
from pyarrow import parquet

from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.formats import prediction_tables
from models_ml.formats.prediction_folds import check_folds
from models_ml.formats.prediction_tables import read_file, read_rows
from models_ml.formats.predictions import PredictedSample, VersionSample, check_predictions
from models_ml.formats.report import ImportReport
from tests.trees.files import xlsx

SAMPLES = [
    VersionSample(0, "CASME II", "sub01", "EP01", {"happiness": "positive", "disgust": "negative"}),
    VersionSample(1, "CASME II", "sub01", "EP02", {"happiness": "positive", "disgust": "negative"}),
    VersionSample(2, "SAMM", "006", "006_1_2"),
]
ALL = frozenset(range(3))
HASH = "ab12" * 16


def check(table, report, tested=ALL, samples=SAMPLES):
    return check_predictions(table, samples, tested, report, HASH)


def read(text, name="p.csv"):
    """Return the predictions and the codes of the problems of a CSV file."""
    report = ImportReport()
    content = text if isinstance(text, bytes) else text.encode()
    return check(read_file(name, content, report), report), report


def codes(report, *severities):
    return [p.code for p in report.problems if p.severity in (severities or ("error", "warning"))]


def classes(predictions):
    return [prediction.predicted for prediction in predictions]


def test_predicted_classes_by_number():
    found, report = read("sample,predicted\n0,negative\n1,Positive\n2,SURPRISE\n")
    assert classes(found) == [0, 1, 2]
    assert [(p.probabilities, p.fold, p.row) for p in found][:1] == [(None, "", 2)]
    assert codes(report) == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_delimiter_and_encoding(delimiter, encoding):
    lines = ["sample|predicted|fold", "2|negative|é", "0|positive|é", "1|surprise|é"]
    found, _ = read("\n".join(lines).replace("|", delimiter).encode(encoding))
    assert [(p.index, p.fold) for p in found] == [(0, "é"), (1, "é"), (2, "é")]


def test_decimal_commas_of_other_spreadsheets():
    found, report = read("sample;p_negative;p_positive;p_surprise\n0;0,5;0,25;0,25\n1;1;0;0\n2;0;0;1\n")
    assert found[0].probabilities == (0.5, 0.25, 0.25)
    assert classes(found) == [0, 0, 2]
    assert codes(report) == []


@pytest.mark.parametrize(
    "header",
    ["negative,positive,surprise", "P_Negative,P_POSITIVE,p surprise", "prob_negative,prob_positive,prob_surprise",
     "p_neg,p_pos,p_sur"],
)  # fmt: skip
def test_names_of_probability_columns(header):
    found, _ = read(f"Sample ID,{header}\n0,.1,.8,.1\n1,.8,.1,.1\n2,.1,.1,.8\n")
    assert classes(found) == [1, 0, 2]


def test_samples_by_name_and_classes_by_emotion():
    found, report = read(
        "database,subject,clip,predicted\ncasme ii,SUB01,EP01,Happiness\nCASME II,sub01,EP02,disgust\n"
        "SAMM,006,006_1_2,surprise\n"
    )
    assert (classes(found), codes(report)) == ([1, 0, 2], [])


def test_a_clip_is_enough_if_its_name_is_unique():
    found, report = read("clip,predicted\nEP01,negative\nEP02,negative\n006_1_2,surprise\n")
    assert (classes(found), codes(report)) == ([0, 0, 2], [])


def test_a_name_of_several_samples_asks_for_the_number():
    samples = [VersionSample(n, "CASME II", "sub01", "EP01") for n in range(3)]
    report = ImportReport()
    table = read_rows([{"clip": "EP01", "predicted": "negative"}], report)
    assert check(table, report, samples=samples) == []
    assert "stands for 3 samples (numbers 0, 1, 2)" in report.problems[0].message


def test_the_number_must_agree_with_the_name():
    _, report = read("sample,subject,clip,predicted\n0,sub01,EP02,negative\n")
    assert codes(report) == ["sample-contradicts-name"]
    assert "number 0, which is CASME II/sub01/EP01, and the name sub01/EP02" in report.problems[0].message


def test_numbers_of_classes_are_read_with_a_warning():
    found, report = read("sample,predicted\n0,0\n1,1.0\n2,2\n")
    assert classes(found) == [0, 1, 2]
    assert codes(report) == ["classes-as-numbers"]


def test_missing_samples_are_named():
    _, report = read("sample,predicted\n1,negative\n")
    assert codes(report) == ["samples-missing"]
    assert "2 of 3 samples are not predicted: 0 (CASME II/sub01/EP01), 2 (SAMM/006/006_1_2)" in (
        report.problems[0].message
    )


@pytest.mark.parametrize(
    ("rows", "code", "column", "words"),
    [
        ("7,negative", "sample-unknown", "sample", "numbered from 0 to 2"),
        ("-1,negative", "sample-unknown", "sample", "is not the number of a sample"),
        ("x,negative", "sample-unknown", "sample", "“x” is not the number of a sample"),
        (",negative", "sample-missing", "sample", "names no sample"),
        (
            "0,angry",
            "class-unknown",
            "Predicted",
            "“angry” is not a class. Write negative, positive or surprise.",
        ),
        ("0,", "prediction-missing", "Predicted", "no predicted class"),
        ("0,NaN", "prediction-missing", "Predicted", "no predicted class"),
        ("0,negative\n0,negative", "sample-twice", "sample", "already predicted in row 2"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_with_its_place(rows, code, column, words):
    _, report = read(f"sample,Predicted\n{rows}\n")
    problem = report.problems[0]
    assert (problem.code, problem.file, problem.column) == (code, "p.csv", column)
    assert problem.row == 2 + rows.count("\n")
    assert words in problem.message


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ("1.2,-0.1,-0.1", "probability-range", "1.2 is not between 0 and 1"),
        ("80,10,10", "probability-range", "divide percentages by 100"),
        ("0.5,0.5,0.5", "probabilities-sum", "sum to 1.5, but must sum to 1"),
        ("0.5,0.5,", "probability-missing", "empty or not a number (NaN)"),
        ("0.5,0.5,nan", "probability-missing", "empty or not a number (NaN)"),
        ("0.5,0.5,inf", "probability-unreadable", "“inf” is not a number"),
        ("a,0.5,0.5", "probability-unreadable", "“a” is not a number"),
    ],
)
def test_what_is_wrong_with_probabilities(values, code, words):
    _, report = read(f"sample,p_negative,p_positive,p_surprise\n0,{values}\n")
    assert report.problems[0].code == code
    assert words in report.problems[0].message
    assert (report.problems[0].row, report.problems[0].column[:2]) == (2, "p_")


def test_rounded_probabilities_are_scaled_and_said():
    found, report = read("sample,p_negative,p_positive,p_surprise\n0,.33,.33,.33\n1,1,0,0\n2,1,0,0\n")
    assert sum(found[0].probabilities) == pytest.approx(1)
    assert "of 1 rows sum to 1 only approximately" in report.problems[0].message
    assert codes(report) == []


def test_a_predicted_class_against_its_probabilities_counts_but_is_said():
    found, report = read(
        "sample,predicted,p_negative,p_positive,p_surprise\n0,negative,.2,.7,.1\n1,positive,.2,.7,.1\n2,surprise,0,0,1\n"
    )
    assert classes(found) == [0, 1, 2]
    assert codes(report) == ["predicted-unlikely"]
    assert "“negative” is predicted, but “positive” has a higher probability" in report.problems[0].message


def test_samples_that_the_protocol_does_not_test_are_refused():
    report = ImportReport()
    table = read_rows([{"sample": n, "predicted": "negative"} for n in range(3)], report)
    check(table, report, tested=frozenset({2}))
    assert codes(report) == ["sample-not-tested", "sample-not-tested"]


def test_a_file_for_another_version_is_refused():
    with pytest.raises(InputError, match=r"was made for another version: row 2 has the hash ffff"):
        read("sample,predicted,version_sha256\n0,negative,ffff\n")


def test_a_file_for_this_version_may_shorten_its_hash():
    assert read("sample,predicted,version_sha256\n0,negative,AB12AB12\n1,negative,\n2,negative,\n")[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("sample,predicted\n", "no rows below its header"),
        ("predicted\nnegative\n", "no column that names the samples"),
        ("a,b\n1,2\n", "no column that names the samples"),
        ("sample,clip\n0,EP01\n", "neither the column “predicted” nor a probability of each class"),
        ("sample,p_negative\n0,1\n", "Add “p_positive”, “p_surprise”"),
        ("\0\1\2", "is not a text file"),
        ("PK\3\4rubbish", "is damaged or not a spreadsheet"),
        ("PAR1rubbish", "is damaged or not a Parquet file"),
    ],
)
def test_what_is_wrong_with_a_whole_file(text, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        read(text)


def test_a_huge_file_is_not_read(monkeypatch):
    monkeypatch.setattr(prediction_tables, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="101 bytes, but the limit is 100"):
        read("x" * 101)


def test_columns_that_are_not_read_are_named():
    _, report = read("sample,predicted,true_label\n0,negative,positive\n1,negative,a\n2,negative,b\n")
    assert [p.message for p in report.problems] == ["Columns that are not read: C “true_label”."]


def test_workbooks_are_read_too(tmp_path):
    path = xlsx(
        tmp_path / "p.xlsx",
        [["Results"], [], ["sample", "predicted"], [0, "negative"], [1, "positive"], [2, "surprise"]],
    )
    found, _ = read(path.read_bytes(), "p.xlsx")
    assert ([p.row for p in found], classes(found)) == ([4, 5, 6], [0, 1, 2])


def parquet_bytes(columns, **options):
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file, **options)
    return file.getvalue()


def test_parquet():
    content = parquet_bytes(
        {
            "sample": pa.array([2, 1, 0], pa.int16()),
            "predicted": pa.array(["surprise", "positive", "negative"]).dictionary_encode(),
            **{
                name: pa.array([1 / 3] * 3, pa.float32())
                for name in ("p_negative", "p_positive", "p_surprise")
            },
            "fold": pa.array([1, 0, 0]),
            "embedding": pa.array([[1.0]] * 3),
        }
    )
    found, report = read(content, "p.parquet")
    assert [(p.index, p.predicted, p.fold, p.row) for p in found] == [
        (0, 0, "0", 3),
        (1, 1, "0", 2),
        (2, 2, "1", 1),
    ]
    assert [p.code for p in report.problems] == ["columns-not-read"]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([[0.1, 0.8, 0.1]]), "“p_negative” of “p.parquet” holds lists or structures"),
        (pa.array([{"a": 1.0}]), "holds lists or structures"),
        (pa.array([b"x"]), "holds binary, which is neither text nor number"),
    ],
)
def test_parquet_of_nested_and_binary_columns_is_refused(column, words):
    with pytest.raises(InputError, match=words):
        read(parquet_bytes({"sample": pa.array([0]), "p_negative": column}), "p.parquet")


def test_a_parquet_file_that_repeats_a_long_text_is_refused():
    texts = pa.array(["x" * 100_000] * 5000).dictionary_encode()
    content = parquet_bytes({"sample": pa.array(range(5000)), "predicted": texts})
    assert len(content) < 1_000_000
    with pytest.raises(InputError, match="a text of more than 1,000 characters"):
        read(content, "p.parquet")


def test_a_parquet_file_of_too_many_rows_is_refused():
    with pytest.raises(InputError, match="100,001 rows, but the limit is 100,000"):
        read(parquet_bytes({"sample": pa.array([0] * 100_001)}), "p.parquet")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({}, "must be a list of objects"),
        ([], "must be a list of objects"),
        ([1], "Row 1 must be an object"),
        ([{"sample": 0, "probabilities": [1, 0, 0]}], "Row 1: “probabilities” must be a text or a number"),
        ([{"sample": 0, "predicted": "x" * 1001}], "more than 1,000 characters"),
        ([{f"c{n}": 0 for n in range(300)}], "more than 256 different columns"),
        ([{"sample": 0}] * 100_001, "100,001 rows, but the limit"),
    ],
)  # fmt: skip
def test_rows_of_json_are_checked(rows, words):
    with pytest.raises(InputError, match=words):
        read_rows(rows, ImportReport())


def test_rows_of_json():
    report = ImportReport()
    rows = [
        {"sample": n, "p_negative": 0.0, "p_positive": 1, "p_surprise": 0, "fold": None} for n in range(3)
    ]
    found = check(read_rows(rows, report), report)
    assert (classes(found), [p.row for p in found], report.problems) == ([1, 1, 1], [1, 2, 3], [])


def folds(*names, samples=SAMPLES, **protocol):
    """Return what was checked, and the codes of the problems, of predictions with these folds."""
    report = ImportReport()
    given = [PredictedSample(index, 0, None, name, index + 2) for index, name in enumerate(names)]
    return check_folds(given, samples, RunConfig.model_validate(protocol), report), codes(report)


def test_folds_that_agree_with_the_protocol():
    checked, problems = folds("a", "a", "b")
    assert problems == []
    assert checked[0] == "The 2 folds test one subject each, and no subject is in two folds."
    assert "declared and not verified" in checked[1]
    assert folds("a", "a", "b", protocol="lodo")[0][0].startswith("The 2 folds test one database each")
    assert folds("a", "a", "b", protocol="kfold", folds=2)[1] == []


def test_without_folds_nothing_is_checked():
    assert folds("", "", "")[0][0] == "The file gives no folds, so nothing of the protocol was checked."


@pytest.mark.parametrize(
    ("names", "protocol", "problems"),
    [
        (("a", "b", "c"), {}, ["subject-in-two-folds"]),
        (("a", "a", "a"), {}, ["fold-mixes"]),
        (("a", "a", ""), {}, ["fold-missing"]),
        (("a", "a", "a"), {"protocol": "lodo"}, ["fold-mixes"]),
        (("a", "b", "c"), {"protocol": "kfold", "folds": 3}, ["subject-in-two-folds"]),
        (("a", "a", "b"), {"protocol": "kfold", "folds": 3}, ["folds-number"]),
        (
            ("a", "a", "b"),
            {"protocol": "cross", "train_on": ["SMIC"], "test_on": ["SAMM", "CASME II"]},
            ["folds-number"],
        ),
    ],
)
def test_folds_that_contradict_the_protocol(names, protocol, problems):
    assert folds(*names, **protocol)[1] == problems


def test_a_database_in_two_folds_contradicts_leaving_databases_out():
    samples = [VersionSample(n, "SMIC" if n else "SAMM", f"s{n}", "a") for n in range(3)]
    assert folds("a", "b", "c", samples=samples, protocol="lodo")[1] == ["database-in-two-folds"]
