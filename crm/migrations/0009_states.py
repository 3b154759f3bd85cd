from datetime import timedelta

from django.db import migrations, models
from django.db.models import F
from django.utils import timezone


def thaw(apps, schema_editor):
    """A record whose time is yet to come would refuse every true update."""
    ahead = timezone.now() + timedelta(minutes=5)
    records = apps.get_model("crm", "Record").objects
    records.filter(updated_at__gt=ahead).update(updated_at=F("imported_at"))


class Migration(migrations.Migration):
    dependencies = [("crm", "0008_index_marks")]

    operations = [
        migrations.AddField(
            model_name="record",
            name="states",
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.RunPython(thaw, migrations.RunPython.noop, elidable=True),
    ]
