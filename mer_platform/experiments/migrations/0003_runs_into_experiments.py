"""Every run that was there becomes an experiment of one; what was in training is to be run again.

Its jobs were one a fold, which no worker knows any more. The folds that it finished are kept.
"""

from django.db import migrations
from django.utils import timezone

ACTIVE = ("features", "training", "finishing")
OPEN = ("queued", "running")
REASON = "The platform was updated while this run was at work: run it again, and it goes on where it was."


def into_experiments(apps, schema_editor):
    Experiment = apps.get_model("experiments", "Experiment")
    Run = apps.get_model("experiments", "Run")
    Job = apps.get_model("jobs", "Job")
    now = timezone.now()
    for run in Run.objects.filter(experiment=None).order_by("pk").iterator():
        experiment = Experiment.objects.create(
            project_id=run.project_id,
            version_id=run.version_id,
            name=run.name,
            sweep={"base": run.config, "grid": {}, "seeds": []},
            queue="training",
            created_by_id=run.created_by_id,
        )
        Experiment.objects.filter(pk=experiment.pk).update(created_at=run.created_at)
        run.experiment = experiment
        run.seed = run.config.get("seed", 0)
        if run.state in ACTIVE:
            run.state, run.error, run.finished_at = "failed", REASON, now
        run.save(update_fields=["experiment", "seed", "state", "error", "finished_at"])
        Job.objects.filter(group=f"run:{run.pk}", state__in=OPEN).update(state="cancelled", finished_at=now)


class Migration(migrations.Migration):

    dependencies = [("experiments", "0002_experiments")]

    operations = [migrations.RunPython(into_experiments, migrations.RunPython.noop)]
