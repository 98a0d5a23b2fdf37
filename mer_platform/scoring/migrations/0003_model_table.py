"""The table of models gets the name it has in the app that it moves to."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scoring", "0002_plain_texts")]

    operations = [migrations.AlterModelTable("modelversion", "registry_modelversion")]
