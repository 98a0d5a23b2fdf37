"""The jobs that train folds side by side were called packs; they are bundles now, in their kind and in their key."""

from django.db import migrations
from django.db.models import F, Value
from django.db.models.functions import Replace


def rename(before, after):
    def rename_jobs(apps, schema_editor):
        Job = apps.get_model("jobs", "Job")
        key = Replace(F("key"), Value(f":{before}:"), Value(f":{after}:"))
        Job.objects.filter(kind=before).update(kind=after, key=key)

    return rename_jobs


class Migration(migrations.Migration):

    dependencies = [("jobs", "0003_job_not_before")]

    operations = [migrations.RunPython(rename("pack", "bundle"), rename("bundle", "pack"))]
