"""Django's own users and groups, in the look of the rest. Nobody gives rights that they lack."""

from typing import Any

import axes.utils
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
    # The devices' own pages would show everybody's keys.
    admin.site.unregister(model)

# What somebody needs to come back here and undo a mistake.
KEYS = ("is_active", "is_staff", "is_superuser")


class GivingForm(ModelForm):
    """Its admin says who fills it in."""

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
                    self.add_error(name, "You cannot take this from yourself: ask a colleague.")
        return cleaned


class GroupForm(GivingForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given: set[Permission] = set(cleaned.get("permissions", ()))
        # The next migration gives a role's rights to whatever group has its name.
        given |= set(roles.granted().get(cleaned.get("name", ""), ()))
        lacking = {one for one in given if one.pk not in roles.rights_of(user=self.giver)}
        if lacking:
            names = ", ".join(sorted(one.name for one in lacking)[:5])
            raise ValidationError(f"You cannot give rights that you do not hold: {names}.")
        return cleaned


class GivingAdmin(ModelAdmin):
    """Only who may everything touches what may more than they do."""

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
        """Nobody deletes themselves: so somebody who may everything is always left."""
        may = super().has_delete_permission(request, obj) and self.above(request, obj)
        return may and obj != request.user


@admin.register(User)
class UserAdmin(GivingAdmin, DjangoUserAdmin):  # type: ignore[misc]  # its options are any
    form = UserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = ["reset_second_factor", "let_in_again"]
    for_superusers = ["is_superuser", "user_permissions"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else [*fields, *self.for_superusers]

    @admin.action(description="Reset the second factor", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self.theirs_to_change(request, queryset):
            two_factor.reset(user)
            messages.info(request, f"{user} sets up a new one at the next log-in.")

    @admin.action(description="Let in again after wrong passwords", permissions=["change"])
    def let_in_again(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self.theirs_to_change(request, queryset):
            axes.utils.reset(username=user.get_username())
            messages.info(request, f"{user} can log in at once.")

    def theirs_to_change(self, request: HttpRequest, users: QuerySet[User]) -> list[User]:
        """The others are named to whoever asked."""
        may = [user for user in users if self.above(request, user)]
        for user in users:
            if user not in may:
                messages.error(request, f"{user} has rights that you do not hold: unchanged.")
        return may


@admin.register(Group)
class GroupAdmin(GivingAdmin, DjangoGroupAdmin):  # type: ignore[misc]  # its options are any
    form = GroupForm
