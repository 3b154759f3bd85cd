import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0002_index_changes")]

    operations = [
        migrations.CreateModel(
            name="Vector",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("encoder", models.CharField(max_length=100)),
                ("value", models.BinaryField()),
                ("change", models.BigIntegerField(default=0)),
                (
                    "passage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="vectors", to="crm.passage"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["encoder", "change"], name="vector_change")],
                "constraints": [
                    models.UniqueConstraint(fields=("passage", "encoder"), name="vector_encoder")
                ],
            },
        ),
        migrations.RunSQL(
            "INSERT INTO crm_vector (passage_id, encoder, value, change) "
            "SELECT id, encoder, vector, change FROM crm_passage "
            "WHERE vector IS NOT NULL AND encoder <> ''",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveField(model_name="passage", name="vector"),
        migrations.RemoveField(model_name="passage", name="encoder"),
    ]
