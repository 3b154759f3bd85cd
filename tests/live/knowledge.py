"""What a support lead has written, imported and tested, the same each time, for looking at every
page. Filled in inside a site, after the tour's scenes, by `manage.py shell`."""

from datetime import date, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from chatbot.gaps.updating import update_gaps
from chatbot.models import Case, Gap, Inbox, TestResult, TestRun
from chatbot.teaching import results
from crm.articles import editing
from crm.models import Article, Import, ImportPlan, Website

SIZES = "## Tents\n\n| Tent | Weight |\n| --- | --- |\n| Heron | 1.9 kg |\n\n- Poles are included."
COLUMNS = {"id": "Order no", "customer": "Customer no", "status": "Status"}
CITED = [{"id": "article:returns", "title": "Returns"}]


def fill() -> None:
    lena = User.objects.get(username="lena")
    articles(lena)
    imports(lena)
    gaps()
    tested(lena)


def articles(by: User) -> None:
    """One with unpublished changes that is overdue for review, a draft, and an archived one."""
    tents = Article(
        title="Weight of our tents", body=SIZES, address="http://fernhill.example/tents"
    )
    tents.review_by = date.today() - timedelta(days=3)
    editing.publish(tents, by)
    tents.body += "\n- Pegs are not."
    editing.save(tents, by)
    old = Article(title="Summer sale", body="The sale ends in August.")
    editing.publish(old, by)
    editing.archive(old, by)
    editing.save(Article(title="Do you engrave?", body="Yes, for free.", kind="question"), by)


def imports(by: User) -> None:
    plan = ImportPlan.objects.create(
        name="Orders of the till", namespace="till", kind="order", columns=COLUMNS,
        heads=[*COLUMNS.values(), "Margin"], left_out=["Margin"], place="/srv/till",
    )  # fmt: skip
    Import.objects.create(
        plan=plan, state="done", name="orders.csv", by=by, preview={"table": "orders.csv"},
        done=3, total=3, counts={"created": 2, "errors": 1},
        errors=[["row 4", "the column 'Customer no' is empty: whose record is it?"]],
    )  # fmt: skip
    left_out = [["http://help.fernhill.example/admin/", "is closed to readers by robots.txt"]]
    Website.objects.create(
        start="http://help.fernhill.example/", run=1, looked_at=timezone.now(),
        report={"counts": {"created": 4, "left out": 1}, "left_out": left_out,
                "outcome": ["It ended early."]},
    )  # fmt: skip


def gaps() -> None:
    """The refusals of the scenes; one gap was asked again."""
    update_gaps()
    for gap in Gap.objects.all():
        gap.questions.update(after={"answer": "Yes, for free.", "state": "answered"})


def tested(by: User) -> None:
    case = Case.objects.create(
        question="How long may I return something?", inbox=Inbox.objects.get(key="demo"),
        expect=[["30 days", "thirty days"]], record="article:returns", verdict="right", by=by,
    )  # fmt: skip
    run = TestRun.objects.create(name="All active test questions", state="done", by=by, total=3)
    right = {"answer": "Within 30 days.", "state": "answered", "citations": CITED}
    wrong = right | {"answer": "Within 14 days.", "outcome": "wrong"}
    refused = {"answer": "I don't have that on record.", "state": "refused", "citations": []}
    asked = {"question": case.question, "expect": case.expect, "record": case.record}
    for live, draft in (
        (right | {"outcome": "right"}, wrong),
        (refused | {"outcome": "refused"}, right | {"outcome": "right"}),
        (right | {"outcome": "answered"}, right | {"outcome": "answered"}),
    ):
        TestResult.objects.create(run=run, case=case, asked=asked, live=live, draft=draft)
    run.done, run.figures = run.total, results.figures(run)
    run.save()
