"""Every model has a project, a name and a configuration."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0003_projects_of_models")]

    operations = [
        migrations.AlterField(
            "modelversion",
            "config",
            models.JSONField(help_text="The configuration it was trained with."),
        ),
        migrations.AlterField("modelversion", "name", models.CharField(max_length=120)),
        migrations.AlterField(
            "modelversion",
            "project",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="models", to="projects.project"
            ),
        ),
    ]
