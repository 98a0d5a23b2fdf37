"""What models took from their runs until now, they keep themselves: project, name and configuration."""

from django.db import migrations


def fill(apps, _editor):
    ModelVersion = apps.get_model("registry", "ModelVersion")
    for model in ModelVersion.objects.filter(project__isnull=True).select_related("run").iterator(200):
        run = model.run
        model.project_id, model.name, model.config = run.project_id, run.name, run.config
        model.features_hash, model.created_by_id = run.features_hash, run.created_by_id
        model.save(update_fields=["project", "name", "config", "features_hash", "created_by"])


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_stages_and_aliases")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
