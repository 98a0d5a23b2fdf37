"""The protocol of each run, in the words that pages used to make of its configuration."""

from django.db import migrations

BATCH = 500


def fill_protocols(apps, schema_editor):
    Run = apps.get_model("experiments", "Run")
    runs = []
    for run in Run.objects.filter(protocol="").only("config").iterator(chunk_size=BATCH):
        run.protocol = in_words(run.config)
        runs.append(run)
    Run.objects.bulk_update(runs, ["protocol"], batch_size=BATCH)


def in_words(config):
    protocol = config.get("protocol", "loso")
    if protocol == "loso":
        return "leave one subject out"
    if protocol == "lodo":
        return "leave one database out"
    if protocol == "kfold":
        return f"{config.get('folds', 5)} folds of whole subjects"
    train, test = (", ".join(sorted(config.get(name, ()))) for name in ("train_on", "test_on"))
    return f"trained on {train}, tested on {test}"


class Migration(migrations.Migration):
    dependencies = [("experiments", "0013_external_runs")]
    operations = [migrations.RunPython(fill_protocols, migrations.RunPython.noop)]
