"""Where events are sent, and how that goes."""

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
from crm.admin.asked import asked, page_of
from crm.admin.many import COUNTED, Removable
from crm.models import Endpoint
from crm.outbound import destinations, outbox
from inference.text import trimmed

INPUT = (
    "border border-base-300 bg-white rounded-default px-3 py-2 text-font-default-light "
    "dark:bg-base-900 dark:border-base-700 dark:text-font-default-dark"
)
AGAIN = (
    "Each goes out under its own id, so that a receiver which keeps ids applies none of them twice."
)


class LocalTime(forms.DateTimeInput):
    """The browser's own picker."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__({"class": INPUT}, "%Y-%m-%dT%H:%M")


class Keys(forms.CharField):
    """A list, written with commas."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        keys = (trimmed(key) for key in (value or "").split(","))
        found = list(dict.fromkeys(key for key in keys if key))
        if value and not found:
            raise ValidationError("Name the inboxes, or leave it empty for all of them.")
        return found


class EndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        choices=[(name, name) for name in outbox.TYPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None: all of them.",
    )
    inboxes = Keys(
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Their keys, with commas between them; none: all of them.",
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
        choices=[("", "All of them"), ("failed", "Only those given up")],
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
            return f"asks to be left alone until {timezone.localtime(endpoint.rests_until):%H:%M}"
        return "fails" if endpoint.failing_since else "on"

    @display(description="Last success")
    def last(self, endpoint: Endpoint) -> datetime | None:
        return state_of(endpoint).last

    @display(description="Went well, of the newest")
    def well(self, endpoint: Endpoint) -> str:
        return state_of(endpoint).words or "nothing sent"

    @display(description="95 % within")
    def p95(self, endpoint: Endpoint) -> str:
        seconds = state_of(endpoint).p95
        return "" if seconds is None else f"{1000 * seconds:.0f} ms"

    @display(description="Waiting")
    def waiting(self, endpoint: Endpoint) -> str:
        open = endpoint.deliveries.filter(state__in=["pending", "running"])
        count = open.order_by("next_at")[:COUNTED].count()
        return f"{count:,}{'+' if count == COUNTED else ''}"

    @admin.action(description="Pause: events wait", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        count = queryset.update(active=False)
        outbox.forget()
        messages.info(request, f"{count} paused.")

    @admin.action(description="Go on", permissions=["change"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        count = queryset.update(active=True, trouble="", failing_since=None)
        outbox.forget()
        messages.info(request, f"{count} on again.")

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
        text = "Give the receiver this secret now; it is not shown again: {}"
        messages.warning(request, format_html(text, endpoint.secrets[0]["secret"]))

    @action(description="Send a test event …", permissions=["change"])
    def test(self, request: HttpRequest, object_id: int) -> HttpResponse:
        found = get_object_or_404(Endpoint, pk=object_id)
        text = "It says that nothing has happened. The next page shows what comes back."
        return asked(
            request, found, "Send a test event", text, lambda: page_of(outbox.send_test(found))
        )

    @action(description="Send events of a time again …", permissions=["change"])
    def again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        found = get_object_or_404(Endpoint, pk=object_id)
        form = RangeForm(request.POST or None)

        def send() -> str:
            count = outbox.again(outbox.within(found, **form.cleaned_data))
            messages.info(request, f"{count} event{pluralize(count)} will be sent again.")
            return page_of(found)

        return asked(request, found, "Send events of a time again", AGAIN, send, form)

    @action(description="New secret …", permissions=["change"])
    def rotate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        found = get_object_or_404(Endpoint, pk=object_id)

        def change() -> str:
            found.secrets = signing.rotated(found.secrets)
            found.save(update_fields=["secrets"])
            self.show_secret(request, found)
            return page_of(found)

        text = "It is shown once, on the next page. Requests are signed with both for a day."
        return asked(request, found, "Make a new secret", text, change)


def state_of(endpoint: Any) -> health.Health:
    """Once for each row of a page."""
    if not hasattr(endpoint, "health"):
        endpoint.health = health.of_endpoint(endpoint)
    found: health.Health = endpoint.health
    return found
