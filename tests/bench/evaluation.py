"""Intervals, curves, a paired comparison and a ranking of 60 runs: 442 samples of 68 subjects.

There are 10,000 resamples; of curves, 2,000.

The labels are random, which does not change the time. Times are the best of five, after one that is not counted.
"""

import time
from collections.abc import Callable

import numpy as np

from models_ml.evaluation.calibration import calibration_of
from models_ml.evaluation.curves import curves_of
from models_ml.evaluation.paired import compare
from models_ml.evaluation.ranking import rank
from models_ml.evaluation.uncertainty import subject_bootstrap, subject_confusions
from tests.bench import report

SUBJECTS = {"CASME II": (145, 24), "SMIC": (164, 16), "SAMM": (133, 28)}  # samples, subjects
RUNS, SEEDS = 60, 5


def main() -> None:
    databases = [name for name, (samples, _) in SUBJECTS.items() for _ in range(samples)]
    subjects = [
        f"{name}/{i % people}" for name, (samples, people) in SUBJECTS.items() for i in range(samples)
    ]
    rng = np.random.default_rng(0)
    true, pred, other = rng.integers(3, size=(3, len(subjects)))
    runs = [subject_confusions(true, rng.integers(3, size=len(true)), subjects) for _ in range(RUNS)]
    _measure(
        "evaluation: intervals, overall, per database and per class",
        lambda: subject_bootstrap(true, pred, subjects, databases),
        1,
    )
    rows = rng.dirichlet([1, 1, 1], len(true))
    _measure("evaluation: curves", lambda: curves_of(true, rows, subjects, databases), 1)
    _measure("evaluation: calibration", lambda: calibration_of(true, pred, rows, subjects, databases), 1)
    _measure("evaluation: two runs, paired", lambda: compare(true, pred, other, subjects), 1)
    _measure(f"evaluation: ranking of {RUNS} runs", lambda: rank([run[None] for run in runs]), 5)
    seeds = [np.stack(runs[start : start + SEEDS]) for start in range(0, RUNS, SEEDS)]
    _measure(f"evaluation: ranking of {len(seeds)} configurations of {SEEDS} seeds", lambda: rank(seeds), 5)


def _measure(what: str, work: Callable[[], object], at_most: float) -> None:
    work()
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    report(what, min(times), "s", "aim", at_most, "at most")
