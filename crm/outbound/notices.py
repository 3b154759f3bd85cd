"""Tells the operators by e-mail when an endpoint is switched off automatically."""

from smtplib import SMTPException

from celery import shared_task
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.urls import reverse

from crm.models import Endpoint

BACKEND = "django.contrib.auth.backends.ModelBackend"


@shared_task(
    name="crm.tasks.mail_switched_off",
    autoretry_for=(SMTPException, OSError),
    retry_backoff=30,
    max_retries=6,
)
def mail_switched_off(endpoint: int) -> None:
    for row in Endpoint.objects.filter(id=endpoint, active=False):
        send_notice(row)


def send_notice(endpoint: Endpoint) -> None:
    path = reverse("admin:crm_endpoint_change", args=[endpoint.pk])
    waiting = endpoint.deliveries.filter(state="pending").count()
    to = addresses("crm.change_endpoint")
    if to:
        send_mail(
            "A webhook endpoint was switched off",
            f"{endpoint.url}\n{endpoint.trouble}\n\nIt receives no more events. Waiting to be sent "
            f"once it is switched on again: {waiting}.\n{settings.PUBLIC_URL}{path}\n",
            None,
            to,
        )


def addresses(permission: str) -> list[str]:
    """Return the e-mail addresses of the people who have this permission."""
    people = User.objects.with_perm(permission, backend=BACKEND)
    return sorted(set(people.exclude(email="").values_list("email", flat=True)))
