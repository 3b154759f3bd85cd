"""Admin pages of the endpoints that events are sent to, with their health."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from crm import signing
from crm.admin import health
from crm.admin.asked import confirmed, page_of
from crm.admin.many import COUNTED, Removable
from crm.models import Endpoint
from crm.outbound import outbox
from crm.plumbing import destinations
from inference.text import trimmed

INPUT = (
    "border border-base-300 bg-white rounded-default px-3 py-2 text-font-default-light "
    "dark:bg-base-900 dark:border-base-700 dark:text-font-default-dark"
)
AGAIN = "Each keeps its id, so a receiver that remembers ids does not apply any of them twice."


class LocalTime(forms.DateTimeInput):
    """The browser's own picker of a date and time."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__({"class": INPUT}, "%Y-%m-%dT%H:%M")


class Keys(forms.CharField):
    """A list with commas between the entries."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        entries = (trimmed(key) for key in (value or "").split(","))
        keys = list(dict.fromkeys(key for key in entries if key))
        if value and not keys:
            raise ValidationError("Name the inboxes, or leave it empty for all of them.")
        return keys


class EndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        choices=[(name, name) for name in outbox.TYPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Choose none to send all of them.",
    )
    inboxes = Keys(
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Their keys, separated by commas. Leave it empty for all of them.",
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            destinations.check(url)
        except (destinations.DestinationRefused, ValueError) as error:
            raise ValidationError(str(error)) from None
        return url


def zone() -> str:
    return f"Time zone: {timezone.get_current_timezone_name()}"


class RangeForm(forms.Form):
    since = forms.DateTimeField(label="From", widget=LocalTime, help_text=lazy(zone, str)())
    until = forms.DateTimeField(label="To", widget=LocalTime, required=False, help_text="Until now")
    state = forms.ChoiceField(
        label="Which",
        choices=[("", "All events"), ("failed", "Only failed events")],
        required=False,
        widget=forms.Select(attrs={"class": INPUT}),
    )


@admin.register(Endpoint)
class EndpointAdmin(Removable, ModelAdmin):
    form = EndpointForm
    fields = ["url", "active", "events", "inboxes", "full", "masked", "ordered", "cloudevents"]
    list_display = ["url", "standing", "last", "well", "p95", "waiting"]
    list_per_page = 50
    actions = ["pause", "go_on"]
    actions_detail = ["test", "again", "rotate"]
    remove = staticmethod(outbox.remove)

    @display(description="State")
    def standing(self, endpoint: Endpoint) -> str:
        if not endpoint.active:
            return f"off: {endpoint.trouble}" if endpoint.trouble else "paused"
        if endpoint.rests_until and endpoint.rests_until > timezone.now():
            return f"asked to pause until {timezone.localtime(endpoint.rests_until):%H:%M}"
        return "failing" if endpoint.failing_since else "on"

    @display(description="Last success")
    def last(self, endpoint: Endpoint) -> datetime | None:
        return state_of(endpoint).last

    @display(description="Recent success")
    def well(self, endpoint: Endpoint) -> str:
        return state_of(endpoint).share or "nothing sent"

    @display(description="95 % within")
    def p95(self, endpoint: Endpoint) -> str:
        seconds = state_of(endpoint).p95
        return "" if seconds is None else f"{1000 * seconds:.0f} ms"

    @display(description="Waiting")
    def waiting(self, endpoint: Endpoint) -> str:
        unsent = endpoint.deliveries.filter(state__in=["pending", "running"])
        count = unsent.order_by("next_at")[:COUNTED].count()
        return f"{count:,}{'+' if count == COUNTED else ''}"

    @admin.action(description="Pause (events wait)", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        count = queryset.update(active=False)
        outbox.forget()
        messages.info(request, f"{count} paused.")

    @admin.action(description="Resume", permissions=["change"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        count = queryset.update(active=True, trouble="", failing_since=None)
        outbox.forget()
        messages.info(request, f"{count} resumed.")

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        if not change:
            obj.secrets = signing.rotated([])
        if obj.active:
            obj.trouble, obj.failing_since, obj.rests_until = "", None, None
        super().save_model(request, obj, form, change)
        outbox.forget()
        if not change:
            self.show_secret(request, obj)

    def show_secret(self, request: HttpRequest, endpoint: Endpoint) -> None:
        text = "Give this secret to the receiver now; it is not shown again: {}"
        messages.warning(request, format_html(text, endpoint.secrets[0]["secret"]))

    @action(description="Send a test event …", permissions=["change"])
    def test(self, request: HttpRequest, object_id: int) -> HttpResponse:
        endpoint = get_object_or_404(Endpoint, pk=object_id)

        def send() -> str:
            return page_of(outbox.send_test(endpoint))

        text = "The event says that nothing has happened. The next page shows the answer."
        return confirmed(request, endpoint, "Send a test event", text, send)

    @action(description="Send events of a period again …", permissions=["change"])
    def again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        endpoint = get_object_or_404(Endpoint, pk=object_id)
        form = RangeForm(request.POST or None)

        def send() -> str:
            count = outbox.again(outbox.within(endpoint, **form.cleaned_data))
            messages.info(request, f"{count} event{pluralize(count)} will be sent again.")
            return page_of(endpoint)

        return confirmed(request, endpoint, "Send events of a period again", AGAIN, send, form)

    @action(description="New secret …", permissions=["change"])
    def rotate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        endpoint = get_object_or_404(Endpoint, pk=object_id)

        def change() -> str:
            endpoint.secrets = signing.rotated(endpoint.secrets)
            endpoint.save(update_fields=["secrets"])
            self.show_secret(request, endpoint)
            return page_of(endpoint)

        text = "It is shown once, on the next page. For a day, requests are signed with both."
        return confirmed(request, endpoint, "Make a new secret", text, change)


def state_of(endpoint: Any) -> health.Health:
    """Return the endpoint's health, computed once for each row of a page."""
    if not hasattr(endpoint, "health"):
        endpoint.health = health.of_endpoint(endpoint)
    state: health.Health = endpoint.health
    return state
