"""Tables as CSV, LaTeX and Markdown: numbers, intervals, and texts that mean something in each of them."""

import csv
import io
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_ml.paper.forms import as_csv, as_latex, as_markdown, cell_text
from models_ml.paper.tables import Estimate, Table

NASTY = r"50% & $x_1$ #2 {a} ~ ^ \frac “q” <b> | * – × ≤ α é Ł ŝ ½ 名 𝔘 =1+1"
TABLE = Table(
    "scores",
    f"Scores of “{NASTY}”.",
    ["Run", "UF1", "Samples", "p & q"],
    [
        [NASTY, Estimate(0.7123456, (0.65, 0.7712)), 442, 0.0123],
        ["b", Estimate(-0.1, (-0.2, 0.05)), 3, None],
        ["c", Estimate(0.5, None), 1, -0.25],
        ["d", None, 0, 1.0],
    ],
)


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_csv_has_all_digits_and_a_column_for_each_end_of_an_interval():
    header, first, second, third, last = rows_of(as_csv(TABLE))
    assert header == ["Run", "UF1", "UF1 low", "UF1 high", "Samples", "p & q"]
    assert first == [NASTY, "0.7123456", "0.65", "0.7712", "442", "0.0123"]
    assert second[1:4] == ["-0.1", "-0.2", "0.05"]
    assert third[1:4] == ["0.5", "", ""]
    assert last[1:] == ["", "", "", "0", "1.0"]


def test_csv_is_not_computed_by_a_spreadsheet():
    assert rows_of(as_csv(Table("a", "", ["x"], [["=1+1"]])))[1] == ["'=1+1"]


def test_a_table_without_rows_is_a_header():
    empty = Table("a", "Nothing.", ["Run", "UF1"], [])
    assert rows_of(as_csv(empty)) == [["Run", "UF1"]]
    assert as_markdown(empty).splitlines()[-2:] == ["| Run | UF1 |", "| --- | --- |"]
    assert "\\begin{tabular}{ll}" in as_latex(empty)


def test_markdown_aligns_numbers_and_escapes_markup():
    lines = as_markdown(
        Table("a", "A *b*.", ["Run", "UF1"], [["x|y_z", Estimate(0.5, (0.25, 0.75))]])
    ).splitlines()
    assert lines == [
        r"A \*b\*.",
        "",
        "| Run     |                 UF1 |",
        "| ------- | ------------------: |",
        r"| x\|y\_z | 0.500 (0.250–0.750) |",
    ]


def test_latex_has_rules_a_caption_a_label_and_escaped_texts():
    text = as_latex(TABLE)
    assert "\\begin{tabular}{lrrr}" in text
    assert "\\label{tab:scores}" in text
    assert all(rule in text for rule in ("\\toprule", "\\midrule", "\\bottomrule"))
    assert "0.712 (0.650--0.771) & 442 & 0.012" in text
    assert "$-$0.100 ($-$0.200 to 0.050)" in text
    assert r"50\% \& \$x\_1\$ \#2 \{a\}" in text
    assert "% pdflatex cannot set these signs, so they are question marks here: 名" in text
    assert "In the preamble: \\usepackage[T1]{fontenc} \\usepackage{booktabs}" in text


def test_a_star_at_the_start_of_a_row_is_printed():
    text = as_latex(Table("stars", "Stars.", ["Run", "UF1"], [["a", 0.5], ["* best", 0.7]]))
    assert (
        "\\\\\n{*} best & 0.700" in text
    )  # LaTeX reads a bare star after the end of a row as part of that end


def test_a_long_table_continues_on_the_next_page():
    text = as_latex(Table("long", "Long.", ["Run", *"abcdef"], [[str(n), *range(6)] for n in range(100)]))
    assert "\\begin{longtable}{lrrrrrr}" in text
    assert "\\usepackage{longtable}" in text


@given(st.text(max_size=60))
def test_every_text_survives_csv_and_is_ascii_or_latin_in_latex(text):
    table = Table("any", text, ["x"], [[text]])
    back = rows_of(as_csv(table))
    assert back[1:] in ([[text]], [[f"'{text}"]]) or not text.strip("\r\n") or "\0" in text
    body = "\n".join(line for line in as_latex(table).splitlines() if not line.startswith("%"))
    assert all(ord(sign) <= 0x17F for sign in body)


def test_a_cell_of_a_page_and_of_a_paper_have_the_same_text():
    assert cell_text(Estimate(0.5, None)) == "0.500 (no interval)"


def test_pdflatex_compiles_exported_tables(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex not found: on Debian, apt install texlive-latex-base texlive-latex-recommended")
    letters = "".join(chr(code) for code in range(0xA0, 0x250)) + "αβγδεζηθκλμνξπρστφχψωΔΘΛΣΦΨΩ"
    tables = [
        TABLE,
        Table("letters", letters, ["Sign"], [[sign] for sign in letters]),
        Table("ascii", "All.", ["Sign", *"abcdefg"], [[chr(code), *range(7)] for code in range(32, 127)]),
        Table("empty", "None.", ["Run"], []),
    ]
    parts = "\n".join(as_latex(table) for table in tables)
    preamble = "\\usepackage[T1]{fontenc}\n\\usepackage{booktabs}\n\\usepackage{longtable}"
    document = f"\\documentclass{{article}}\n{preamble}\n\\begin{{document}}\n{parts}\n\\end{{document}}\n"
    (tmp_path / "tables.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-3000:]
    assert (tmp_path / "tables.pdf").stat().st_size > 10_000
