import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("experiments", "0004_run_in_experiment"),
        ("jobs", "0004_packs_become_bundles"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="features_hash",
            field=models.CharField(
                default="",
                help_text="SHA-256 of the feature settings and the code that follows them.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="apex_jitter",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Frames by which training moves the apex; those features are computed too.",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="model_job",
            field=models.ForeignKey(
                help_text="The latest job that trains its final model.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="jobs.job",
            ),
        ),
    ]
