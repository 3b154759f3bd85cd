# Help text only: no change of the database.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0011_who_is_who'),
    ]

    operations = [
        migrations.AlterField(
            model_name='source',
            name='name',
            field=models.SlugField(help_text="Part of its webhook's address.", unique=True),
        ),
    ]
