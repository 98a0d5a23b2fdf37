from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("experiments", "0006_read_feature_keys")]

    operations = [migrations.RemoveField(model_name="run", name="features_key")]
