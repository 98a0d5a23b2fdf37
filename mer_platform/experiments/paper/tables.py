"""The tables of results of one run or several."""

from collections.abc import Callable, Sequence

from mer_platform.configurations.display import settings_by_section
from mer_platform.experiments.comparison import configurations, curve_figures, matrices
from mer_platform.experiments.comparison import subjects as by_subject
from mer_platform.experiments.comparison.comparing import compare_runs
from mer_platform.experiments.models import Run
from mer_platform.experiments.results import results_of
from mer_platform.experiments.tables import measured
from models_ml.classes import CLASSES
from models_ml.evaluation.uncertainty import RESAMPLES
from models_ml.paper.tables import Cell, Estimate, Table

INTERVALS = f"In parentheses, 95% intervals from a bootstrap over subjects ({RESAMPLES:,} resamples)."
ALL = "all samples"
METRICS = {"uf1": "UF1", "uar": "UAR", "accuracy": "Accuracy"}


def scores(runs: Sequence[Run]) -> Table:
    """UF1, UAR and accuracy over all samples."""
    rows: list[Sequence[Cell]] = []
    for run in runs:
        results = results_of(run)
        own = [Estimate(getattr(results.evaluation, key), results.intervals[key]) for key in METRICS]
        rows.append([str(run), *own, results.evaluation.samples, len(results.evaluation.per_subject)])
    caption = f"Scores pooled over all folds. {INTERVALS} {measured(runs)}"
    return Table("scores", caption, ["Run", *METRICS.values(), "Samples", "Subjects"], rows)


def databases(runs: Sequence[Run]) -> Table:
    """UF1, UAR and accuracy on the samples of each database."""
    rows: list[Sequence[Cell]] = []
    for run in runs:
        for name, own, intervals in results_of(run).databases:
            estimates = [Estimate(getattr(own, key), intervals[key]) for key in METRICS]
            rows.append([str(run), name, *estimates, own.samples])
    caption = f"Scores by database, of the predictions of its samples. {INTERVALS} {measured(runs)}"
    return Table("databases", caption, ["Run", "Database", *METRICS.values(), "Samples"], rows)


def classes(runs: Sequence[Run]) -> Table:
    """Precision, recall and F1 of each class."""
    rows: list[Sequence[Cell]] = []
    for run in runs:
        for name, own, intervals in results_of(run).classes:
            estimates = [Estimate(getattr(own, key), intervals[key]) for key in ("precision", "recall", "f1")]
            rows.append([str(run), name, *estimates, own.support])
    caption = f"Scores by class. {INTERVALS} {measured(runs)}"
    return Table("classes", caption, ["Run", "Class", "Precision", "Recall", "F1", "Samples"], rows)


def confusion(runs: Sequence[Run]) -> Table:
    """Counts of true and predicted classes."""
    rows: list[Sequence[Cell]] = [
        [str(run), name, *counts]
        for run in runs
        for name, counts in zip(CLASSES, results_of(run).evaluation.confusion, strict=True)
    ]
    caption = f"Confusion matrices: numbers of samples by true and predicted class. {measured(runs)}"
    return Table("confusion", caption, ["Run", "True", *(f"Predicted {name}" for name in CLASSES)], rows)


def subjects(runs: Sequence[Run]) -> Table:
    """Samples and correct predictions of each subject."""
    rows: list[Sequence[Cell]] = [
        [str(run), name, own.samples, own.correct, own.correct / own.samples]
        for run in runs
        for name, own in results_of(run).evaluation.per_subject.items()
    ]
    caption = f"Correct predictions by subject, by networks that have not seen the subject. {measured(runs)}"
    return Table("subjects", caption, ["Run", "Subject", "Samples", "Correct", "Share correct"], rows)


def differences(runs: Sequence[Run]) -> Table:
    """Each run compared with the first one."""
    rows: list[Sequence[Cell]] = []
    for other in compare_runs(list(runs)).against:
        if other.paired is None:
            rows.append([str(other.run), *[None] * 5, other.reason])
            continue
        found = other.paired
        own: list[Cell] = []
        for key in ("uf1", "uar"):
            difference = found.differences[key]
            own += [Estimate(difference.value, difference.interval), other.adjusted[key]]
        rows.append([str(other.run), *own, found.mcnemar.p, ""])
    first = f"Each run minus {runs[0]}" if runs else "No runs"
    caption = (
        f"{first}, on the same resamples of subjects. {INTERVALS} p values of differences are two-sided, from the same "
        "bootstrap, and adjusted by Holm’s method for all runs of the table; McNemar’s exact test compares the correct "
        f"predictions. {measured(runs)}"
    )
    columns = ["Run", "UF1 difference", "p (Holm)", "UAR difference", "p (Holm) ", "p (McNemar)", "Remark"]
    used = columns if any(row[-1] for row in rows) else columns[:-1]
    return Table("differences", caption, used, [row[: len(used)] for row in rows])


def settings(runs: Sequence[Run]) -> Table:
    """All settings of each run."""
    known: dict[tuple[str, str], dict[int, str]] = {}
    for run in runs:
        if run.is_external:
            continue
        for section, pairs in settings_by_section(run.settings):
            for title, value in pairs:
                known.setdefault((section, title), {})[run.pk] = value
    rows = [
        [section, title, *(values.get(run.pk) for run in runs)] for (section, title), values in known.items()
    ]
    caption = f"Settings of the runs. {measured(runs)}"
    return Table("settings", caption, ["Section", "Setting", *map(str, runs)], rows)


_ABOUT_CURVES = {
    "roc-areas": curve_figures.roc_table,
    "average-precision": curve_figures.precision_recall_table,
    "calibration": curve_figures.calibration_table,
    "reliability": curve_figures.reliability_table,
}
_OF_SEVERAL: dict[str, Callable[[Sequence[Run]], Table]] = {
    "differences": differences,
    "configurations": configurations.configurations_table,
    "confusion-differences": matrices.differences_table,
    "disagreement": by_subject.subjects_table,
}
TABLES: dict[str, Callable[[Sequence[Run]], Table]] = {
    "scores": scores,
    "databases": databases,
    "classes": classes,
    "confusion": confusion,
    "confusion-shares": matrices.shares_table,
    "subjects": subjects,
    "settings": settings,
    **_OF_SEVERAL,
    **_ABOUT_CURVES,
}


def tables_of(runs: Sequence[Run]) -> dict[str, Table]:
    """Return the tables of runs by their names, without those that have no rows."""
    made = {name: make(runs) for name, make in TABLES.items() if name not in _OF_SEVERAL or len(runs) > 1}
    return {name: table for name, table in made.items() if table.rows}
