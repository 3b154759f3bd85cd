from typing import Any

from django.db import migrations, models


def keep_writing_to_them(apps: Any, schema_editor: Any) -> None:
    """Who has left an address before it had to be confirmed still waits for the answer there."""
    conversations = apps.get_model("chatbot", "Conversation").objects
    conversations.exclude(contact_email="").update(contact_confirmed=True)


class Migration(migrations.Migration):
    dependencies = [("chatbot", "0018_quotes")]

    operations = [
        migrations.AddField(
            "conversation", "contact_confirmed", models.BooleanField(default=False)
        ),
        migrations.RunPython(keep_writing_to_them, migrations.RunPython.noop, elidable=True),
    ]
