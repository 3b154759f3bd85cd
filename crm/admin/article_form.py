"""The form in which people write an article."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminURLInputWidget,
)

from crm.models import Article, ArticleVersion
from crm.plumbing.storable import LONGEST
from crm.signals import inboxes_listed
from inference.text import blank, encodable

# English first: the bot reads no other language. Then the official languages of the European Union
# with the most speakers; an article keeps any other that it has.
LANGUAGES = ("en", "de", "fr", "it", "es", "pl", "ro", "nl", "hu", "pt", "el")
NOBODY_SEES = "This text has no visible characters. Please write it again."


def inbox_names() -> dict[str, str]:
    """Return the names of all inboxes by their keys."""
    answers: list[Any] = inboxes_listed.send(inbox_names)
    return {key: name for _, rows in answers for key, name in rows or ()}


def named(keys: list[str], names: dict[str, str] | None = None) -> str:
    """Name the inboxes whose bots tell an article."""
    names = inbox_names() if keys and names is None else names or {}
    return ", ".join(names.get(key, key) for key in keys) or "all"


def language(code: str) -> str:
    return str(dict(settings.LANGUAGES).get(code, code))


def author(version: ArticleVersion | None) -> str:
    if version is None or version.by is None:
        return "an import" if version and version.imported else "somebody"
    return version.by.get_full_name() or version.by.get_username()


def moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y, H:i")


class MarkdownWidget(UnfoldAdminTextareaWidget):
    """A plain text area with a toolbar, and a preview beside it (crm/admin/articles.js)."""

    def _render(self, template_name: str, context: Any, renderer: Any = None) -> SafeString:
        # Forms look for templates in applications only; ours are in the project's folder.
        parts = {
            "textarea": super()._render(template_name, context, renderer),
            "id": context["widget"]["attrs"]["id"],
            "preview_url": reverse("admin:article-preview"),
        }
        return render_to_string("admin/crm/article/editor.html", parts)


class ArticleForm(forms.ModelForm):
    # When the article was last changed, as the page was opened.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    body = forms.CharField(
        label="Text",
        max_length=LONGEST["text"],
        widget=MarkdownWidget({"rows": 22, "spellcheck": "true", "dir": "auto"}),
    )
    language = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget(), help_text="The bot answers only from English articles."
    )
    inboxes = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="The inboxes in which the bot uses it. If you tick none, it is for all of them.",
    )
    address = forms.CharField(
        label="Public address",
        required=False,
        max_length=500,
        widget=UnfoldAdminURLInputWidget(attrs={"placeholder": "https://shop.example/returns"}),
        help_text="The page on your site where customers can read it, if there is one.",
    )

    class Meta:
        model = Article
        fields = ["title", "kind", "body", "inboxes", "language", "address", "review_by"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        article, names = self.instance, inbox_names()
        # An article for an inbox that is gone must not become one for all of them.
        gone = {key: f"{key} (inbox deleted)" for key in article.inboxes if key not in names}
        names_of = dict(settings.LANGUAGES)
        languages = {code: names_of.get(code, code) for code in (*LANGUAGES, article.language)}
        # Readers' forms have no fields besides the declared ones.
        self.fields["inboxes"].choices = list((names | gone).items())  # type: ignore[attr-defined]
        self.fields["language"].choices = list(languages.items())  # type: ignore[attr-defined]
        self.fields["seen"].initial = article.changed_at.isoformat() if article.pk else ""

    def clean_title(self) -> str:
        return visible(self.cleaned_data["title"])

    def clean_body(self) -> str:
        # Browsers send both characters of a line's end, and a NUL is refused by the field itself.
        return visible(self.cleaned_data["body"].replace("\r\n", "\n"))

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if address and not is_web_address(address):
            raise ValidationError("Write an address such as https://shop.example/returns.")
        return address

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk:
            self.refuse_if_overtaken(cleaned.get("seen", ""))
        return cleaned

    def refuse_if_overtaken(self, seen: str) -> None:
        """Refuse to overwrite silently what somebody has saved since the page was opened. The lock
        lets one of two people who save at the same moment wait for the other."""
        stored = Article.objects.select_for_update().filter(pk=self.instance.pk).first()
        if stored is None:
            raise ValidationError(
                "Somebody has deleted this article. Copy your text into a new one."
            )
        if stored.changed_at.isoformat() == seen:
            return
        posted: Any = self.data
        self.data = posted.copy()
        self.data["seen"] = stored.changed_at.isoformat()  # type: ignore[index]  # its copy
        newest = stored.versions.select_related("by").first()
        raise ValidationError(
            format_html(
                "{} saved this article on {}, after you had opened it. Your text is below and has "
                'not been saved. Look at <a href="{}" target="_blank" class="underline">the other '
                "text</a>, which opens in a new tab, copy what you need from it, and save again: "
                "your text then replaces it.",
                author(newest).capitalize() if newest and not newest.by else author(newest),
                moment(stored.changed_at),
                reverse("admin:article-versions", args=[stored.pk]),
            )
        )


def visible(text: str) -> str:
    if blank(text):
        raise ValidationError(NOBODY_SEES)
    return encodable(text)


def is_web_address(address: str) -> bool:
    """Accept hosts of a private network too, whose names may have no dot."""
    try:
        parts = urlsplit(address)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        usable
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and not parts.username
        and address.isprintable()
        and " " not in address
    )
