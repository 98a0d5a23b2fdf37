"""Models move here from the app that scores with them. Their table has been renamed; its rows stay as they are."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("scoring", "0003_model_table"),
        ("experiments", "0022_runs_of_rankings"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="ModelVersion",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("file", models.CharField(max_length=200)),
                        ("sha256", models.CharField(max_length=64)),
                        ("classes", models.JSONField()),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "run",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="model", to="experiments.run"
                            ),
                        ),
                    ],
                    options={"ordering": ["-id"]},
                ),
            ],
        ),
    ]
