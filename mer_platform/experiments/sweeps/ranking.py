"""The ranking of an experiment's configurations: made once for the runs that are scored, then stored."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from threading import Lock
from typing import NamedTuple

from mer_platform.experiments.models import Experiment, Run, StoredRanking
from mer_platform.experiments.results import rank_configurations
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.ranking import Ranking

# Of 240 configurations a ranking takes 5 s of processor time, and an open page would ask for one with each run that ends.
_MORE = 0.1
_ONE_AT_A_TIME = Lock()  # the charts of a page ask for the same ranking at once


class Ranked(NamedTuple):
    """Rankings by UF1 and by UAR. ``groups`` are the ids of the ranked runs, by configuration."""

    groups: list[list[int]]
    by_uf1: Ranking
    by_uar: Ranking


def ranking_of(experiment: Experiment, groups: Sequence[Sequence[Run]], growing: bool = False) -> Ranked:
    """Return the rankings of configurations, each a group of runs. Raises InputError as ``rank_configurations`` does.

    ``growing``: while runs are open, a stored ranking serves until there are a tenth more runs than it has.
    """
    runs = [[run.pk for run in group] for group in groups]
    stored = getattr(experiment, "stored_ranking", None)
    if not _serves(stored, runs, growing):
        with _ONE_AT_A_TIME:
            stored = StoredRanking.objects.filter(experiment=experiment).first()
            if not _serves(stored, runs, growing):
                by_uf1, by_uar = map(asdict, rank_configurations(groups, "uf1", "uar"))
                content = {"key": _key(runs), "runs": runs, "by_uf1": by_uf1, "by_uar": by_uar}
                stored = StoredRanking.objects.update_or_create(experiment=experiment, defaults=content)[0]
    assert stored is not None  # noqa: S101  for mypy: it serves, or was made
    experiment.stored_ranking = stored
    known = runs if stored.key == _key(runs) else stored.runs
    return Ranked(known, Ranking.from_dict(stored.by_uf1), Ranking.from_dict(stored.by_uar))


def _serves(stored: StoredRanking | None, runs: list[list[int]], growing: bool) -> bool:
    """Return whether a stored ranking is of these runs, or of nearly all of them if that is enough."""
    if stored is None:
        return False
    if stored.key == _key(runs):
        return True
    if not growing or stored.key != _key(stored.runs):  # the latter: it was made by other code
        return False
    ranked, scored = ({pk for group in each for pk in group} for each in (stored.runs, runs))
    return ranked <= scored and len(scored) < (1 + _MORE) * len(ranked)


def _key(runs: list[list[int]]) -> str:
    return hashlib.sha256(json.dumps([METRICS_VERSION, runs]).encode()).hexdigest()
