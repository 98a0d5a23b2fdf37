"""Make room for action units with alternatives, doubt and references."""

from django.db import migrations, models

_FIELD = {"blank": True, "help_text": "Numbers joined by +, with side and intensity: 4+L10+R12A.", "max_length": 200}


class Migration(migrations.Migration):
    dependencies = [("annotation", "0005_plain_names")]

    operations = [
        migrations.AlterField("annotation", "action_units", models.CharField(**_FIELD)),
        migrations.AlterField("consensus", "action_units", models.CharField(**_FIELD)),
    ]
