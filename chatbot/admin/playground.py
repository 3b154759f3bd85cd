"""The playground: ask as any customer or as nobody, and see how each answer was made."""

from dataclasses import asdict
from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from chatbot.console import traces
from chatbot.console.view import new_article
from chatbot.models import Case, Inbox
from chatbot.models.replies import Ending
from chatbot.people import audit
from chatbot.reply.ask import Talk, ask
from chatbot.teaching import cases, questions
from chatbot.wire.errors import Refused
from crm.articles import drafts
from crm.models import Customer
from inference.index import IndexUnavailable
from inference.text import written

MAY_KEEP = ("chatbot.add_case", "chatbot.change_case")
MAY_ASK = ("chatbot.view_testrun", "crm.view_record", "crm.view_customer")
# The question and its answer go through the page, signed, so that nobody can change them there.
SALT = "chatbot.playground"
# Customers that are offered to choose from.
OFFERED = 12


class AskForm(forms.Form):
    question = forms.CharField(max_length=cases.LONGEST_QUESTION)
    customer = forms.CharField(required=False, max_length=200, label="As the customer")
    inbox = forms.ModelChoiceField(
        Inbox.objects.order_by("name"), label="In the inbox", empty_label=None
    )
    drafts = forms.BooleanField(required=False, label="With the drafts of articles")

    def clean_customer(self) -> Customer | None:
        id = self.cleaned_data["customer"]
        customer = Customer.objects.filter(id=id, erased_at=None).first() if id else None
        if id and customer is None:
            raise ValidationError("There is no such customer. Choose one from the list.")
        return customer


def asker(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.has_perms(MAY_ASK):
        raise PermissionDenied
    return user


def playground(request: HttpRequest) -> HttpResponse:
    """Show the form (GET); ask, and show the answer with its trace (POST)."""
    user = asker(request)
    posted = request.method == "POST"
    form = AskForm(request.POST if posted else None, initial={"inbox": Inbox.objects.first()})
    talk = talk_of(request.POST.get("talk", ""), request.POST.get("customer", "").strip())
    context = admin.site.each_context(request) | {
        "title": "Playground",
        "form": form,
        "has_drafts": drafts.waiting().exists(),
        "said": list(talk.history),
    }
    if posted and form.is_valid():
        context |= answered(form.cleaned_data, talk, user)
    return TemplateResponse(request, "admin/chatbot/playground/page.html", context)


def answered(asked: dict[str, Any], talk: Talk, user: User) -> dict[str, Any]:
    """Ask the question, and describe the answer for the page."""
    customer, inbox = asked["customer"], asked["inbox"]
    if customer:
        audit.asked_as(customer, user)
    before, id = asdict(talk), customer.pk if customer else None
    try:
        answer = async_to_sync(ask)(
            asked["question"], id, talk=talk, inbox=inbox.key, drafts=asked["drafts"]
        )
    except IndexUnavailable as error:
        return {"trouble": str(error)}
    case = {
        "question": asked["question"],
        "customer": id,
        "inbox": inbox.pk,
        "before": before if before["history"] else {},
        "answer": answer["answer"],
        "state": answer["state"],
        "citations": [
            {name: one.get(name, "") for name in ("id", "title", "quote")}
            for one in answer["citations"]
        ],
    }
    place = {"inbox": inbox.key, "customer": id or ""}
    return {
        "question": asked["question"],
        "answer": answer,
        **described(answer),
        "may_teach": user.has_perms(MAY_KEEP),
        "new_article": new_article(user),
        "records": f"{reverse('admin:playground-records')}?{urlencode(place)}",
        "talk": signing.dumps(asdict(talk), salt=salt_of(id or ""), compress=True),
        "case": signing.dumps(case, salt=SALT, compress=True),
    }


def described(answer: dict[str, Any]) -> dict[str, Any]:
    """Describe how an answer was made."""
    return {
        "outcome": traces.OUTCOMES.get(answer["state"], answer["state"]),
        "sources": [
            (traces.source(one, True), one.get("quote", "")) for one in answer["citations"]
        ],
        "passages": [(traces.source(one, True), likely(one)) for one in answer["passages"]],
        "withheld": [(one["sentence"], traces.why_withheld(one)) for one in answer["withheld"]],
        "timings": [
            (traces.TIMINGS.get(name, name.replace("_", " ")), traces.milliseconds(seconds))
            for name, seconds in answer["timings"].items()
        ],
    }


def likely(passage: dict[str, Any]) -> str:
    """Return the probability that the passage's best line answers; "" if it was not read."""
    return f"{passage['answers']:.0%}" if "answers" in passage else ""


def salt_of(customer: str) -> str:
    """Return the salt of what was said to a customer: nobody can go on with it as another one."""
    return f"{SALT}:{customer}"


def talk_of(signed: str, customer: str) -> Talk:
    """Return what was said before; nothing if the page is too old, somebody has changed it, or it
    was said to another customer."""
    try:
        return questions.talk_of(signing.loads(signed, salt=salt_of(customer)))
    except (signing.BadSignature, TypeError, ValueError):
        return Talk()


@require_GET
def customers(request: HttpRequest) -> JsonResponse:
    """Return customers by the start of their id or some of their name, in `q`."""
    asker(request)
    query = request.GET.get("q", "").strip()[:200]
    known = Customer.objects.filter(erased_at=None, merged_into=None)
    found = known.filter(name__icontains=query) | known.filter(id__istartswith=query)
    rows = [{"id": one.pk, "title": str(one)} for one in found.order_by("name", "id")[:OFFERED]]
    return JsonResponse({"rows": rows}, headers={"Cache-Control": "no-store"})


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Make the last question a test question, as taught: it expects what was answered or, if that
    was wrong, what should have been said."""
    user = asker(request)
    if not user.has_perms(MAY_KEEP):
        raise PermissionDenied
    try:
        asked = signing.loads(request.POST.get("case", ""), salt=SALT)
    except signing.BadSignature:
        messages.error(request, "This page is too old. Ask the question again.")
        return HttpResponseRedirect(reverse("admin:playground"))
    customer = Customer.objects.filter(id=asked["customer"], erased_at=None).first()
    if asked["customer"] and customer is None:
        messages.error(request, "This customer has been erased, so the question was not saved.")
        return HttpResponseRedirect(reverse("admin:playground"))
    inbox = Inbox.objects.filter(id=asked["inbox"]).first()
    try:
        values = judged(request, asked, inbox)
    except Refused as refused:
        messages.error(request, f"The question was not saved. {refused.text}")
        return HttpResponseRedirect(reverse("admin:playground"))
    case = Case.objects.create(
        question=asked["question"],
        customer=customer,
        inbox=inbox,
        before=asked["before"],
        by=user,
        at=timezone.now(),
        **values,
    )
    messages.info(request, "Check what a right answer must contain, then save.")
    return HttpResponseRedirect(reverse("admin:chatbot_case_change", args=[case.pk]))


def judged(request: HttpRequest, asked: dict[str, Any], inbox: Inbox | None) -> dict[str, Any]:
    """Return the fields of a case that say what a right answer holds. Raises Refused."""
    said = cases.Said(asked["question"], asked["answer"], asked["state"], asked["citations"])
    verdict = request.POST.get("verdict", "")
    if verdict == Case.Verdict.WRONG:
        answer = written(request.POST.get("answer", ""))[: cases.LONGEST_ANSWER]
        record = request.POST.get("record", "").replace("\x00", "").strip()
        record = record and cases.resolved(record, asked["customer"], inbox.key if inbox else "")
        return {"verdict": verdict} | cases.expected(said, verdict, answer, record)
    spoken = {"answer": asked["answer"] if asked["state"] == Ending.ANSWERED else ""}
    kept = verdict if verdict == Case.Verdict.RIGHT else Case.Verdict.KEPT
    return {"verdict": kept} | cases.as_said(said) | spoken


@require_GET
def records(request: HttpRequest) -> JsonResponse:
    """Return records that the customer in `customer` may see, by the words in `q`."""
    asker(request)
    query, inbox = (request.GET.get(name, "").strip()[:200] for name in ("q", "inbox"))
    rows = cases.offered_to(query, request.GET.get("customer") or None, inbox) if query else []
    return JsonResponse({"rows": rows}, headers={"Cache-Control": "no-store"})
