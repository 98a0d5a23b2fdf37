"""Which subjects runs disagree on: the share of correct predictions by subject and run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from mer_platform.composites.models import Sample
from mer_platform.experiments.figures import MARGIN, add_cell_texts
from mer_platform.experiments.models import Run
from mer_platform.experiments.naming import names_in_figure
from mer_platform.experiments.results import ABSENT, predicted_classes, samples_of, split_comparable
from mer_platform.experiments.tables import measured
from models_ml.classes import CLASSES
from models_ml.paper.tables import Cell, Table

MOST = 25  # subjects shown unless all are asked for
MAX_TEXTS = 8  # runs whose cells have room for numbers
NAMED = 8  # samples that a hover text names
DEFINITION = (
    "Disagreement is the number of the subject’s samples of which one of two runs is right and the other wrong, as the mean "
    "over all pairs of runs."
)


@dataclass(frozen=True)
class SubjectRow:
    """One subject.

    subject : its key, which includes the database
    indexes : positions of its samples in the version
    correct : samples that each run predicts correctly
    disagreement : samples on which two of the runs differ in being right, as the mean over all pairs of runs
    """

    subject: str
    indexes: list[int]
    correct: list[int]
    disagreement: float

    @property
    def samples(self) -> int:
        return len(self.indexes)


@dataclass(frozen=True)
class BySubject:
    """Subjects with most disagreement first, of the runs that were tested on the same samples as the reference."""

    runs: list[Run]
    rows: list[SubjectRow]
    left_out: list[str]
    predicted: list[str]


def by_subject(runs: Sequence[Run]) -> BySubject:
    """Compare the runs subject by subject. Runs that cannot be compared with the first are left out, with the reason."""
    predicted = dict(zip(runs, predicted_classes(runs), strict=True))
    alike, errors = split_comparable(runs, list(predicted.values()))
    own = [predicted[run] for run in alike]
    samples = samples_of(runs[0].version)
    true = "".join(str(sample.true) for sample in samples)
    tested = [index for index, digit in enumerate(own[0]) if digit != ABSENT]
    right = np.array([[digits[index] == true[index] for index in tested] for digits in own])
    members: dict[str, list[int]] = {}
    for position, index in enumerate(tested):
        members.setdefault(samples[index].subject, []).append(position)
    rows = [
        SubjectRow(
            subject,
            [tested[position] for position in positions],
            right[:, positions].sum(axis=1).tolist(),
            _disagreement(right[:, positions]),
        )
        for subject, positions in members.items()
    ]
    rows.sort(key=lambda row: (-row.disagreement, -row.samples, row.subject))
    return BySubject(alike, rows, [str(error) for error in errors.values()], own)


def _disagreement(right: NDArray[np.bool_]) -> float:
    """Return the number of samples on which two of the runs differ, as the mean over all pairs; 0 for a single run."""
    runs = len(right)
    if runs < 2:
        return 0.0
    agree = right.sum(axis=0)
    return float((agree * (runs - agree)).sum() / (runs * (runs - 1) / 2))


def subjects(runs: Sequence[Run], most: int | None = MOST, named: bool = False) -> go.Figure:
    """Share of correct predictions by subject and run; subjects with most disagreement between the runs come first.

    With ``named``, the hover text names the samples, which needs the rights of a researcher.
    """
    found = by_subject(runs)
    rows = found.rows[:most]
    names = names_in_figure(found.runs)
    lines = [f"{row.subject} ({row.samples})" for row in rows]
    shares = [[correct / row.samples for correct in row.correct] for row in rows]
    texts = [[f"{correct} of {row.samples}" for correct in row.correct] for row in rows]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=lines,
            customdata=_hover(found, rows, named),
            meta={"names": _leads_to(found, names, rows, lines)},
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": "correct", "font": {"size": 12}}, "tickformat": ".0%"},
            showscale=len(names) > MAX_TEXTS,
            hovertemplate="%{y}<br>%{x}<br>%{customdata}<extra></extra>",
        )
    )
    if len(names) <= MAX_TEXTS:
        add_cell_texts(figure, names, lines, texts, [list(row) for row in shares])
    figure.update_layout(margin=MARGIN, height=110 + _room(names) + 20 * len(lines))
    figure.update_xaxes(
        type="category", side="top", showgrid=False, ticks="", title="run", tickangle=_angle(names)
    )
    figure.update_yaxes(
        type="category",
        autorange="reversed",
        showgrid=False,
        ticks="",
        title="subject (samples)",
        dtick=1,
        automargin=True,
    )
    return figure


def _angle(names: Sequence[str]) -> int:
    return 0 if len(names) < 3 else -45


def _leads_to(
    found: BySubject, names: Sequence[str], rows: Sequence[SubjectRow], lines: Sequence[str]
) -> dict[str, int | str]:
    """Return the run's id and the subject that each label of the figure stands for, for links to their samples."""
    runs = {name: run.pk for name, run in zip(names, found.runs, strict=True)}
    return {**runs, **{line: row.subject for line, row in zip(lines, rows, strict=True)}}


def _room(names: Sequence[str]) -> int:
    """Return the pixels that slanted names need above the cells."""
    return 20 if len(names) < 3 else round(4.6 * max(map(len, names)))


def _hover(found: BySubject, rows: Sequence[SubjectRow], named: bool) -> list[list[str]]:
    """Return the hover text of each cell."""
    counts = [[f"{correct} of {row.samples} correct" for correct in row.correct] for row in rows]
    if not named:
        return counts
    shown = [index for row in rows for index in row.indexes]
    version = found.runs[0].version_id
    names = dict(
        Sample.objects.filter(version=version, index__in=shown).order_by().values_list("index", "name")
    )
    samples = samples_of(found.runs[0].version)
    texts = []
    for row, own in zip(rows, counts, strict=True):
        line = []
        for digits, count in zip(found.predicted, own, strict=True):
            right = [names[i] for i in row.indexes if int(digits[i]) == samples[i].true]
            wrong = [
                f"{names[i]} ({CLASSES[samples[i].true]}, predicted {CLASSES[int(digits[i])]})"
                for i in row.indexes
                if int(digits[i]) != samples[i].true
            ]
            parts = [count, *_listed("wrong", wrong), *_listed("right", right)]
            line.append("<br>".join(parts))
        texts.append(line)
    return texts


def _listed(word: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [f"{word}: {', '.join(names[:NAMED])}{more}"]


def subjects_table(runs: Sequence[Run]) -> Table:
    """Correct predictions by subject and run."""
    found = by_subject(runs)
    caption = (
        f"Correct predictions by subject; subjects with most disagreement between the runs come first. {DEFINITION} "
        f"{measured(found.runs)}"
    )
    columns = ["Subject", "Samples", "Disagreement", *[str(run) for run in found.runs]]
    rows: list[Sequence[Cell]] = [
        [row.subject, row.samples, row.disagreement, *row.correct] for row in found.rows
    ]
    return Table("disagreement", caption, columns, rows)


def notes(runs: Sequence[Run]) -> list[str]:
    """Return the runs that are left out, and why."""
    return by_subject(runs).left_out
