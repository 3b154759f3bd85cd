"""Visitors of a customer who goes on under another id go on as the other's."""

from django.db import migrations


def forwards(apps, schema_editor):
    Visitor = apps.get_model("chatbot", "Visitor")
    for visitor in Visitor.objects.exclude(customer__merged_into=None).select_related("customer"):
        into = visitor.customer.merged_into_id
        stays = Visitor.objects.filter(inbox=visitor.inbox_id, customer=into).first()
        if stays is None:
            Visitor.objects.filter(id=visitor.id).update(customer=into)
        else:
            talks = apps.get_model("chatbot", "Conversation").objects.filter(visitor=visitor)
            talks.update(visitor=stays)
            visitor.delete()
    release(apps)


def release(apps):
    """Bare ids that moved into a namespace: the company's own customers may have them now."""
    Customer = apps.get_model("crm", "Customer")
    for space in apps.get_model("crm", "Source").objects.exclude(namespace=""):
        start = f"{space.namespace}/"
        moved = Customer.objects.filter(id__startswith=start).values_list("id", flat=True)
        bare = {id.removeprefix(start): id for id in moved if id.startswith(start)}
        for id, into in bare.items():
            Customer.objects.filter(id=id, merged_into__id__startswith=start).delete()


class Migration(migrations.Migration):
    dependencies = [("chatbot", "0020_seen"), ("crm", "0011_who_is_who")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
