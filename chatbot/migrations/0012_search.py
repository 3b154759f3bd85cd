"""What the live inbox and the figures look for, and the words that were said."""

from collections import defaultdict
from itertools import islice

import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

SCORES, BATCH = 20, 1000
# "simple": what was said may be in any language. Kept, not only indexed: a common word is looked for
# message by message, and would be taken apart anew each time.
KEEP = """ALTER TABLE chatbot_message ADD COLUMN words tsvector
GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED"""
INDEX = "CREATE INDEX message_words ON chatbot_message USING gin (words)"


def fill_scores(apps, schema_editor):
    Conversation = apps.get_model("chatbot", "Conversation")
    Message = apps.get_model("chatbot", "Message")
    Conversation.objects.filter(alert_weight__gt=0).update(alerts=1)
    known = Conversation.objects.exclude(mood=None).values_list("id", flat=True).iterator()
    while ids := list(islice(known, BATCH)):
        scores = defaultdict(list)
        scored = Message.objects.filter(conversation__in=ids, score__isnull=False)
        rows = scored.exclude(label="unknown").order_by("seq")
        for conversation, score in rows.values_list("conversation_id", "score"):
            scores[conversation].append(round(score, 3))
        Conversation.objects.bulk_update(
            [Conversation(id=id, scores=found[-SCORES:]) for id, found in scores.items()],
            ["scores"],
        )


def keep_words(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(KEEP)
        schema_editor.execute(INDEX)


def drop_words(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE chatbot_message DROP COLUMN words")


class Migration(migrations.Migration):

    dependencies = [
        ("chatbot", "0011_api_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="alerts",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="conversation",
            name="scores",
            field=models.JSONField(default=list),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["state", "-last_message_at"], name="conversation_state"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["created_at"], name="conversation_created"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                fields=["snoozed_until"],
                condition=models.Q(snoozed_until__isnull=False),
                name="conversation_snoozed",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["at"], name="message_at"),
        ),
        migrations.AddIndex(
            model_name="reply",
            index=models.Index(fields=["created_at"], name="reply_created"),
        ),
        migrations.AddIndex(
            model_name="reply",
            index=models.Index(
                fields=["created_at"],
                condition=models.Q(status__in=["pending", "running"]),
                name="reply_open",
            ),
        ),
        migrations.RunPython(fill_scores, migrations.RunPython.noop),
        migrations.RunPython(keep_words, drop_words),
        migrations.CreateModel(
            name="MessageWords",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.PositiveIntegerField()),
                ("words", django.contrib.postgres.search.SearchVectorField()),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="chatbot.conversation",
                    ),
                ),
            ],
            options={"db_table": "chatbot_message", "managed": False, "default_permissions": ()},
        ),
    ]
