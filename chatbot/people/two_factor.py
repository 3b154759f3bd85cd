"""The second factor of staff: a code from their phone after the password, or a recovery code.

Staff who have one, or must have one, cannot use the admin's pages or the live inbox's socket
without it.
"""

from base64 import b32encode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import segno
from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_otp import DEVICE_ID_SESSION_KEY, devices_for_user, login, match_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 8
# Session key: the person has shown a second factor to the single sign-on provider.
BY_PROVIDER = "second_factor_by_provider"
ADMIN = "/admin/"


def lacks(user: Any, session: Any) -> bool:
    """Tell whether a second factor is required but missing in this session."""
    if session.get(BY_PROVIDER):
        return False
    devices = devices_for_user(user, confirmed=True)
    if session.get(DEVICE_ID_SESSION_KEY) in {device.persistent_id for device in devices}:
        return False
    return settings.TWO_FACTOR_REQUIRED or has_device(user)


def has_device(user: User) -> bool:
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


class SecondFactor:
    """Middleware that sends staff without a second factor to the page that asks for it."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self.later(request)
        return self.elsewhere(request) or self.get_response(request)

    async def later(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(ADMIN):
            return await self.get_response(request)
        redirect = await sync_to_async(self.elsewhere)(request)
        return redirect or await self.get_response(request)

    def elsewhere(self, request: HttpRequest) -> HttpResponse | None:
        open_pages = [reverse(name) for name in ("second-factor", "admin:logout", "admin:login")]
        if not request.path.startswith(ADMIN) or request.path in open_pages:
            return None
        user = request.user
        if not user.is_authenticated or not user.is_staff or not lacks(user, request.session):
            return None
        page = reverse("second-factor")
        return HttpResponseRedirect(f"{page}?{urlencode({'next': request.get_full_path()})}")


class TokenForm(forms.Form):
    token = forms.CharField(
        label="Code", max_length=16, widget=forms.TextInput({"autocomplete": "one-time-code"})
    )

    def __init__(self, user: User, device: TOTPDevice | None, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.user, self.device = user, device
        self.matched: Any = None

    def clean_token(self) -> str:
        """Check the code against the device that is being set up, or else against all devices."""
        token: str = self.cleaned_data["token"].replace(" ", "")
        self.matched = self.verified(token)
        if self.matched is None:
            raise forms.ValidationError("This code is wrong. Please use the next one.")
        return token

    def verified(self, token: str) -> Any:
        if self.device is None:
            return match_token(self.user, token)
        return self.device if self.device.verify_token(token) else None


def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask for a code. Users without a device set one up and see their recovery codes once."""
    user = request.user
    if not user.is_authenticated or not user.is_staff:
        return HttpResponseRedirect(reverse("admin:login"))
    enrolling = None if has_device(user) else unconfirmed(user)
    form = TokenForm(user, enrolling, request.POST if request.method == "POST" else None)
    context = admin.site.each_context(request) | {"form": form, "next": target(request)}
    if form.is_valid():
        login(request, form.matched)
        if enrolling is None:
            return HttpResponseRedirect(target(request))
        enrolling.confirmed = True
        enrolling.save(update_fields=["confirmed"])
        context["codes"] = recovery_codes(user)
    elif enrolling:
        context |= {"svg": qr_code(enrolling), "key": b32encode(enrolling.bin_key).decode()}
    response = TemplateResponse(request, "admin/second_factor.html", context)
    response["Cache-Control"] = "no-store"
    return response


def unconfirmed(user: User) -> TOTPDevice:
    device = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    return device or TOTPDevice.objects.create(user=user, name="phone", confirmed=False)


def qr_code(device: TOTPDevice) -> str:
    """Draw the key as an SVG in a data URI."""
    return str(segno.make(device.config_url, micro=False).svg_data_uri(scale=5, light="#fff"))


def recovery_codes(user: User) -> list[str]:
    """Make new codes; earlier codes are no longer valid."""
    device, _ = StaticDevice.objects.get_or_create(user=user, name="recovery")
    device.token_set.all().delete()
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def target(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    here = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if here else reverse("admin:index")


def reset(user: User) -> None:
    """Remove a user's devices, if the phone is lost; the next log-in sets up a new one."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def address(request: HttpRequest) -> str:
    """Return the client's address for the lock-out; the server has applied trusted proxies'
    headers."""
    return str(request.META.get("REMOTE_ADDR", ""))


def without_password(request: HttpRequest, credentials: Any) -> bool:
    """Exempt the single sign-on callback from the lock-out: it takes no password."""
    return bool(settings.OIDC_ISSUER) and request.path == reverse("sso-callback")
