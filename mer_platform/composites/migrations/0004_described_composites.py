from django.db import migrations, models
from django.db.models import Max


def number_from_versions(apps, schema_editor):
    """Take the newest version that exists. Earlier releases kept no trace of newer ones that were deleted."""
    composites = apps.get_model("composites", "Composite").objects
    for composite in composites.annotate(newest=Max("versions__number")):
        composite.last_number = composite.newest or 0
        composite.save(update_fields=["last_number"])


class Migration(migrations.Migration):

    dependencies = [
        ("composites", "0003_plain_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="composite",
            name="description",
            field=models.TextField(blank=True, max_length=2000),
        ),
        migrations.AddField(
            model_name="composite",
            name="last_number",
            field=models.PositiveIntegerField(
                default=0, help_text="Number of the newest version that was ever frozen. It is never used again."
            ),
        ),
        migrations.RunPython(number_from_versions, migrations.RunPython.noop),
    ]
