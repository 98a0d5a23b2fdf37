"""How many labels an order by doubt saves, simulated on the held-out predictions of the run that a model comes from."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.experiments.models import Prediction, Run
from mer_platform.experiments.results import samples_of
from mer_platform.registry.models import ModelVersion
from models_ml.classes import CLASSES
from models_ml.evaluation.active import Simulation, simulate


@dataclass(frozen=True)
class SavedLabels:
    """The simulation, or why there is none."""

    simulation: Simulation | None = None
    runs: int = 0
    why_not: str = ""


def saved_labels(model: ModelVersion, user: Any) -> SavedLabels:
    """Simulate with all finished runs of the model's configuration and version, which differ in their seed."""
    run = model.run
    if run is None:
        return SavedLabels(
            why_not="An imported model has no held-out predictions here, so nothing can be simulated."
        )
    if hidden := why_scores_hidden(user, run.version_id):
        return SavedLabels(why_not=hidden)
    alike = tuple(sorted((other.pk, f"{other.finished_at}") for other in _seeds_of(run)))
    found = _simulated(alike) if alike else None
    if found is None:
        return SavedLabels(
            why_not="The held-out predictions of its run are missing, have no probabilities, or have no errors to find."
        )
    return SavedLabels(found, len(alike))


def _seeds_of(run: Run) -> list[Run]:
    """Return the finished runs on the same version whose configuration differs in nothing but the seed."""
    own = _without_seed(run)
    runs = Run.objects.filter(version=run.version_id, project=run.project_id, state=Run.State.FINISHED)
    return [other for other in runs.exclude(config=None) if _without_seed(other) == own]


def _without_seed(run: Run) -> Any:
    return {name: value for name, value in (run.config or {}).items() if name != "seed"}


@lru_cache(maxsize=64)
def _simulated(finished: tuple[tuple[int, str], ...]) -> Simulation | None:
    """Kept: the predictions of a finished run do not change, and the simulation takes up to a second."""
    runs = [pk for pk, _ in finished]
    known = samples_of(Run.objects.select_related("version").get(pk=runs[0]).version)
    seeds = []
    covered: set[int] | None = None
    tables = []
    for run in runs:
        rows = Prediction.objects.filter(run=run, probabilities__isnull=False)
        table = dict(rows.values_list("sample__index", "probabilities"))
        tables.append(table)
        covered = set(table) if covered is None else covered & set(table)
    indexes = sorted(covered or ())
    if not indexes:
        return None
    true = np.array([known[index].true for index in indexes])
    for table in tables:
        probabilities = np.array([table[index] for index in indexes], dtype=np.float64)
        if probabilities.ndim != 2 or probabilities.shape[1] != len(CLASSES):
            return None
        seeds.append((probabilities, probabilities.argmax(axis=1) != true))
    return simulate(seeds, [known[index].subject for index in indexes])
