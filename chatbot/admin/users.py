"""Users and groups, in the admin's look. Nobody can give rights that they lack."""

from typing import Any

import axes.utils
import django_otp.plugins.otp_static.admin
import django_otp.plugins.otp_totp.admin  # noqa: F401 they register the pages that are removed here
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from chatbot.people import roles, two_factor

for model in (User, Group, TOTPDevice, StaticDevice):
    # The pages of the devices would show everybody's keys.
    admin.site.unregister(model)

# Flags that users need to come back here and undo a mistake.
KEYS = ("is_active", "is_staff", "is_superuser")


class GivingForm(ModelForm):
    """A form that knows the user who fills it in."""

    giver: User


class UserForm(UserChangeForm, GivingForm):
    def clean_groups(self) -> QuerySet[Group]:
        chosen: QuerySet[Group] = self.cleaned_data["groups"]
        for group in chosen.exclude(user=self.instance):
            if not roles.above(self.giver, group=group):
                raise ValidationError(
                    f"You cannot give the group {group}: it has rights that you do not hold."
                )
        return chosen

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance == self.giver:
            for name in KEYS:
                if getattr(self.giver, name) and not cleaned.get(name, True):
                    self.add_error(name, "You cannot remove this from yourself: ask a colleague.")
        return cleaned


class GroupForm(GivingForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given: set[Permission] = set(cleaned.get("permissions", ()))
        # The next migration gives a role's rights to any group with its name.
        given |= set(roles.granted().get(cleaned.get("name", ""), ()))
        held = roles.rights_of(user=self.giver)
        lacking = {permission for permission in given if permission.pk not in held}
        if lacking:
            names = ", ".join(sorted(permission.name for permission in lacking)[:5])
            raise ValidationError(f"You cannot give rights that you do not hold: {names}.")
        return cleaned


class GivingAdmin(ModelAdmin):
    """An admin whose users can change only users and groups with no more rights than their own."""

    def above(self, request: HttpRequest, obj: Any) -> bool:
        giver: Any = request.user
        kind = "user" if self.model is User else "group"
        return obj is None or roles.above(giver, **{kind: obj})

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        form = super().get_form(request, obj, **options)
        return type(form.__name__, (form,), {"giver": request.user})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete oneself, so that a superuser always remains."""
        may = super().has_delete_permission(request, obj) and self.above(request, obj)
        return may and obj != request.user


@admin.register(User)
class UserAdmin(GivingAdmin, DjangoUserAdmin):  # type: ignore[misc]  # its options are any
    form = UserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = ["reset_second_factor", "unlock"]
    for_superusers = ["is_superuser", "user_permissions"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else [*fields, *self.for_superusers]

    @admin.action(description="Reset the second factor", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self.changeable(request, queryset):
            two_factor.reset(user)
            messages.info(request, f"{user} will set up a new second factor at the next log-in.")

    @admin.action(description="Unlock after wrong passwords", permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self.changeable(request, queryset):
            axes.utils.reset(username=user.get_username())
            messages.info(request, f"{user} can log in now.")

    def changeable(self, request: HttpRequest, users: QuerySet[User]) -> list[User]:
        """Return the users that may be changed, and name the others in an error."""
        changeable = [user for user in users if self.above(request, user)]
        for user in users:
            if user not in changeable:
                text = f"{user} was not changed: this user has rights that you do not hold."
                messages.error(request, text)
        return changeable


@admin.register(Group)
class GroupAdmin(GivingAdmin, DjangoGroupAdmin):  # type: ignore[misc]  # its options are any
    form = GroupForm
