"""Batches refer to the models where they are now. The database's constraint followed the renamed table."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0003_model_table"), ("registry", "0001_models_of_scoring")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "scoringbatch",
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="registry.modelversion",
                    ),
                ),
                migrations.DeleteModel("ModelVersion"),
            ],
        ),
    ]
