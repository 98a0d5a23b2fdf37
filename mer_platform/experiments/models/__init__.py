"""What is stored of experiments: their runs, folds and predictions, and what follows from these."""

from mer_platform.experiments.models.attributions import Attribution, AttributionPiece
from mer_platform.experiments.models.curves import StoredCurves
from mer_platform.experiments.models.effects import StoredEffects
from mer_platform.experiments.models.experiments import Experiment
from mer_platform.experiments.models.external import ExternalRun, PredictionUpload
from mer_platform.experiments.models.leaderboard import Baseline, SavedView, StoredDifference
from mer_platform.experiments.models.managed import Managed, Tag
from mer_platform.experiments.models.results import StoredRanking, StoredResults
from mer_platform.experiments.models.runs import Fold, Prediction, Run
from mer_platform.experiments.models.weights import FoldWeights

__all__ = [
    "Attribution",
    "AttributionPiece",
    "Baseline",
    "Experiment",
    "ExternalRun",
    "Fold",
    "FoldWeights",
    "Managed",
    "Prediction",
    "PredictionUpload",
    "Run",
    "SavedView",
    "StoredCurves",
    "StoredDifference",
    "StoredEffects",
    "StoredRanking",
    "StoredResults",
    "Tag",
]
