from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chatbot', '0024_intents'),
    ]

    operations = [
        migrations.RenameModel(old_name='Replica', new_name='Server'),
        migrations.AlterField(
            model_name='server',
            name='tier',
            field=models.ForeignKey(on_delete=models.deletion.CASCADE, related_name='servers', to='chatbot.tier'),
        ),
    ]
