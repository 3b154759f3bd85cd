from typing import Any

from django.db import migrations, models

# As reasons were written until now: words of ours, the customer's in quotation marks, perhaps cut.
OPENS = ': "'


def split(reason: str) -> tuple[str, str]:
    words, _, quote = reason.partition(OPENS)
    return words, quote.removesuffix(".").removesuffix('"')


def take_quotes_out(apps: Any, schema_editor: Any) -> None:
    conversations = apps.get_model("chatbot", "Conversation").objects
    for name, quote in (("alert", "alert_quote"), ("handoff_reason", "handoff_quote")):
        quoting = conversations.filter(**{f"{name}__contains": OPENS})
        for row in quoting.only("id", name).iterator():
            words, said = split(getattr(row, name))
            conversations.filter(id=row.id).update(**{name: words, quote: said})
    replies = apps.get_model("chatbot", "Reply").objects
    replies.filter(conversation__redacted_at__isnull=False).update(reason="")
    for reply in replies.filter(reason__contains=OPENS).only("id", "reason").iterator():
        replies.filter(id=reply.id).update(reason=f"{split(reply.reason)[0]}.")


class Migration(migrations.Migration):
    dependencies = [("chatbot", "0017_saved_views")]

    operations = [
        migrations.AddField(
            "conversation", "alert_quote", models.CharField(blank=True, max_length=300)
        ),
        migrations.AddField(
            "conversation", "handoff_quote", models.CharField(blank=True, max_length=300)
        ),
        migrations.RunPython(take_quotes_out, migrations.RunPython.noop, elidable=True),
    ]
