"""Configurations that were trained with several seeds, compared over subjects and seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mer_platform.experiments.comparison.figures import Point, dots
from mer_platform.experiments.models import Run
from mer_platform.experiments.naming import labels
from mer_platform.experiments.results import (
    align_predictions,
    group_by_configuration,
    predicted_classes,
    split_comparable,
)
from mer_platform.experiments.tables import measured
from models_ml.errors import InputError
from models_ml.evaluation.paired import holm
from models_ml.evaluation.seeds import SCORES, SeedDifference, SeedMean, compare_configurations, seed_means
from models_ml.evaluation.uncertainty import subject_confusions
from models_ml.paper.tables import Cell, Estimate, Table


@dataclass(frozen=True)
class SeededConfiguration:
    """One configuration with several seeds.

    name : what distinguishes it from the others
    runs : one per seed
    means : by score
    differences : from the reference, by score; None for the reference itself
    adjusted : p of each difference, adjusted by Holm's method for all configurations
    """

    name: str
    runs: list[Run]
    means: dict[str, SeedMean]
    differences: dict[str, SeedDifference] | None
    adjusted: dict[str, float]

    @property
    def seeds(self) -> str:
        return ", ".join(str(run.seed) for run in self.runs)

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": self.name,
            "runs": [run.pk for run in self.runs],
            "seeds": [run.seed for run in self.runs],
            "means": {
                name: {
                    "mean": mean.value,
                    "interval_95": mean.interval,
                    "deviation_between_seeds": mean.deviation,
                }
                for name, mean in self.means.items()
            },
            "differences": None,
        }
        if self.differences is not None:
            found["differences"] = {
                name: {
                    "difference": own.value,
                    "standard_error": own.error,
                    "interval_95": own.interval,
                    "p": own.p,
                    "p_holm": self.adjusted[name],
                    "share_of_seeds": own.seed_share,
                }
                for name, own in self.differences.items()
            }
        return found


@dataclass(frozen=True)
class SeedComparison:
    """Configurations with several seeds, the reference first; or ``missing``: why there is nothing to compare.

    single : names of the configurations that have only one seed, and so are left out
    """

    configurations: list[SeededConfiguration]
    single: list[str]
    missing: str

    @property
    def reference(self) -> SeededConfiguration | None:
        return self.configurations[0] if self.configurations else None


def compare_seeds(runs: Sequence[Run]) -> SeedComparison:
    """Compare configurations by all of their seeds among the runs.

    The reference is the configuration of the first run if it has several seeds, otherwise the oldest that has. Runs that
    cannot be compared with the first run sample by sample are left out.
    """
    alike, _ = split_comparable(runs, predicted_classes(runs))
    groups = [_one_per_seed(group) for group in group_by_configuration(alike)]
    several = [group for group in groups if len(group) > 1]
    named = labels([group[0] for group in groups])
    single = [_unique(named, group[0]) for group in groups if len(group) == 1]
    if not several:
        return SeedComparison([], single, "Each configuration was trained with a single seed.")
    first = next((group for group in several if any(run == runs[0] for run in group)), several[0])
    several = [first, *(group for group in several if group is not first)]
    together = align_predictions([run for group in several for run in group])
    counts = np.stack(
        [subject_confusions(together.true, pred, together.subjects) for pred in together.predicted]
    )
    ends = np.cumsum([len(group) for group in several])
    by_group = [counts[end - len(group) : end] for group, end in zip(several, ends, strict=True)]
    try:
        means = [seed_means(own) for own in by_group]
        found = compare_configurations(by_group[0], by_group[1:])
    except InputError as error:  # a single subject
        return SeedComparison([], single, str(error))
    adjusted = {name: holm([own[name].p for own in found]) for name in SCORES}
    configurations = [SeededConfiguration(_unique(named, first[0]), first, means[0], None, {})]
    for number, (group, own, mean) in enumerate(zip(several[1:], found, means[1:], strict=True)):
        adjust = {name: values[number] for name, values in adjusted.items()}
        configurations.append(SeededConfiguration(_unique(named, group[0]), group, mean, own, adjust))
    return SeedComparison(configurations, single, "")


def _one_per_seed(group: Sequence[Run]) -> list[Run]:
    """Return the oldest run of each seed: the same configuration with the same seed gives the same predictions."""
    return list({run.seed: run for run in reversed(group)}.values())[::-1]


def _unique(named: dict[int, str], run: Run) -> str:
    name = named[run.pk]
    return name if list(named.values()).count(name) == 1 else f"{name} (#{run.pk})"


def configurations(runs: Sequence[Run]) -> go.Figure:
    """Mean UF1 and UAR of configurations over their seeds, with 95% intervals that cover other subjects and other seeds."""
    found = compare_seeds(runs).configurations
    if not found:
        return go.Figure()
    rows: list[tuple[str, list[Point]]] = [
        (name.upper(), [(own.means[name].value, own.means[name].interval) for own in found])
        for name in ("uf1", "uar")
    ]
    figure = dots([_short(own) for own in found], rows)
    figure.update_xaxes(title="mean over the seeds")
    figure.update_yaxes(title="configuration")
    return figure


def _short(own: SeededConfiguration) -> str:
    name = own.name if len(own.name) <= 60 else f"{own.name[:59]}…"
    return f"{name} ({len(own.runs)} seeds)"


def configurations_table(runs: Sequence[Run]) -> Table:
    """Configurations over their seeds: means, and differences from the reference."""
    found = compare_seeds(runs)
    rows: list[Sequence[Cell]] = []
    for own in found.configurations:
        uf1, uar = own.means["uf1"], own.means["uar"]
        row: list[Cell] = [own.name, own.seeds, Estimate(uf1.value, uf1.interval), uf1.deviation]
        row += [Estimate(uar.value, uar.interval), uar.deviation]
        for name in ("uf1", "uar"):
            difference = own.differences[name] if own.differences else None
            row += (
                [Estimate(difference.value, difference.interval), own.adjusted[name]]
                if difference
                else [None] * 2
            )
        rows.append(row)
    runs_used = [run for own in found.configurations for run in own.runs]
    caption = (
        "Configurations over their seeds: mean, standard deviation between seeds, and difference from the first one. "
        "Intervals and p, adjusted by Holm’s method, cover other subjects and other seeds (mixed model with both as random "
        f"effects). {measured(runs_used)}"
    )
    columns = ["Configuration", "Seeds", "UF1", "SD of UF1", "UAR", "SD of UAR"]
    columns += ["UF1 difference", "p (UF1)", "UAR difference", "p (UAR)"]
    return Table("configurations", caption, columns, rows)


def notes(runs: Sequence[Run]) -> list[str]:
    """Return why configurations are left out."""
    found = compare_seeds(runs)
    said = [found.missing] if found.missing else []
    if found.single and found.configurations:
        said.append(f"Left out, with a single seed: {'; '.join(found.single)}.")
    return said
