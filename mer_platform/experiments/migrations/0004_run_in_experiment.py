import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("experiments", "0003_runs_into_experiments")]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="experiment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="experiments.experiment"
            ),
        ),
    ]
