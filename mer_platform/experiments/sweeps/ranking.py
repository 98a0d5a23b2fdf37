"""The ranking of an experiment's configurations: made once for the runs that are scored, then stored."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from mer_platform.experiments.models import Experiment, Run, StoredRanking
from mer_platform.experiments.results import rank_configurations
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.ranking import Ranking


def ranking_of(experiment: Experiment, groups: Sequence[Sequence[Run]]) -> tuple[Ranking, Ranking]:
    """Return the rankings by UF1 and by UAR. Raises InputError as ``rank_configurations`` does."""
    runs = [[run.pk for run in group] for group in groups]
    key = hashlib.sha256(json.dumps([METRICS_VERSION, runs]).encode()).hexdigest()
    stored = getattr(experiment, "stored_ranking", None)
    if stored is None or stored.key != key:
        by_uf1, by_uar = map(asdict, rank_configurations(groups, "uf1", "uar"))
        content = {"key": key, "by_uf1": by_uf1, "by_uar": by_uar}
        stored = StoredRanking.objects.update_or_create(experiment=experiment, defaults=content)[0]
        experiment.stored_ranking = stored
    return Ranking.from_dict(stored.by_uf1), Ranking.from_dict(stored.by_uar)
