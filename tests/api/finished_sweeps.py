"""Finished experiments with scores, without training and without predictions of single samples."""

from collections.abc import Callable, Sequence

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from mer_platform.experiments.models import Experiment, Fold, Run, StoredResults
from mer_platform.experiments.results import samples_of
from mer_platform.jobs.models import Job
from models_ml.config import SweepConfig
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.metrics import evaluate


def finished_sweep(
    version: CompositeVersion,
    sweep: SweepConfig,
    user,
    predict: Callable[[Run], Sequence[int]],
    name: str = "",
) -> Experiment:
    """Launch a sweep and store the results of its runs. ``predict`` gives the index in ``CLASSES`` of each sample."""
    experiment = services.launch_experiment(version, sweep, user, name)
    Job.objects.filter(group=experiment.group).update(state=Job.State.DONE)
    finish_runs(list(experiment.runs.order_by("pk")), predict)
    return Experiment.objects.get(pk=experiment.pk)


def finish_runs(runs: Sequence[Run], predict: Callable[[Run], Sequence[int]]) -> None:
    """Store the results of runs of one version, and mark them as finished."""
    samples = samples_of(runs[0].version)
    true = [sample.true for sample in samples]
    databases, subjects = [s.database for s in samples], [s.subject for s in samples]
    rows = []
    nothing = {"overall": {"uf1": None, "uar": None, "accuracy": None}, "per_database": {}, "per_class": {}}
    for run in runs:
        predicted = predict(run)
        scores = evaluate(true, predicted, databases, subjects)
        rows.append(
            StoredResults(
                run=run,
                code=METRICS_VERSION,
                uf1=scores.uf1,
                uar=scores.uar,
                accuracy=scores.accuracy,
                evaluation=scores.to_dict(),
                intervals=nothing,
                predicted="".join(map(str, predicted)),
            )
        )
    StoredResults.objects.bulk_create(rows)
    ids = [run.pk for run in runs]
    Fold.objects.filter(run__in=ids).update(state=Fold.State.DONE)
    Run.objects.filter(pk__in=ids).update(state=Run.State.FINISHED)
