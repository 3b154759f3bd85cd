"""Business hours in an inbox's form: a field for each weekday, and special days, one per line."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from chatbot.models import Inbox
from chatbot.people import hours
from chatbot.people.away import hours_of
from crm.admin.list_field import LinesField

FIELDS = ["time_zone", *hours.WEEKDAYS, "special_days"]
ABOUT = (
    "When the people of this inbox are available. At other times, and while no agent is online, "
    "customers who ask for a person see when somebody will be back, and can leave an e-mail "
    "address. A day without times is closed; if no day has times, the inbox is always open."
)


class DayField(forms.CharField):
    """The times of one day, stored in the form of `hours.written`."""

    def __init__(self, day: str) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"placeholder": hours.CLOSED})
        text = f"Like {hours.EXAMPLE}" if day == hours.WEEKDAYS[0] else ""
        super().__init__(required=False, label=day.capitalize(), widget=widget, help_text=text)

    def clean(self, value: Any) -> str:
        try:
            return hours.written(hours.spans(super().clean(value)))
        except ValueError as error:
            raise ValidationError(str(error)) from None


def special_day(line: str) -> str:
    try:
        return hours.special_day(line)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class HoursForm(forms.ModelForm):
    """The fields for hours in an inbox's form."""

    time_zone = forms.ChoiceField(
        choices=[(name, name.replace("_", " ")) for name in sorted(available_timezones())],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = map(DayField, hours.WEEKDAYS)
    special_days = LinesField(
        special_day,
        "2026-12-24 09:00–12:00\n2026-12-25 closed",
        "Days with other hours, one per line: the date, then times or “closed”.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial |= self.instance.hours
        # A new inbox has no initial values of its own; the first zone of the list is Abidjan's.
        self.initial.setdefault("time_zone", self.instance.time_zone)

    def clean_time_zone(self) -> str:
        return self.cleaned_data["time_zone"] or self.instance.time_zone

    def clean_special_days(self) -> list[str]:
        lines = sorted(self.cleaned_data["special_days"])
        days = [line.split(" ")[0] for line in lines]
        if twice := next((day for day in days if days.count(day) > 1), None):
            raise ValidationError(f"{twice} is listed twice. Put all its times on one line.")
        return lines

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        self.instance.hours = {day: data[day] for day in hours.WEEKDAYS if data.get(day)}
        return data


def standing(inbox: Inbox) -> str:
    return hours_of(inbox).standing(timezone.now())
