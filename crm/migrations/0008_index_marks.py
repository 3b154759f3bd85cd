from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0007_tries_and_notices'),
    ]

    operations = [
        migrations.AddField(
            model_name='indexstate',
            name='marks',
            field=models.JSONField(default=dict),
        ),
    ]
