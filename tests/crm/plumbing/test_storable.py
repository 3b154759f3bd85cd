"""What comes in is storable, cut where it is too long, or refused in words."""

import json
from typing import Any

import pytest

from crm.knowledge.records import import_records, parse
from crm.models import Record
from crm.plumbing import storable
from crm.plumbing.storable import RecordError
from tests.fakes import ALICE, order

pytestmark = [pytest.mark.django_db, pytest.mark.services]
NUL = chr(0)


def nested(depth: int, inside: Any = 1, name: str | None = None) -> Any:
    for _ in range(depth):
        inside = {name: inside} if name else [inside]
    return inside


@pytest.mark.parametrize("title", ["<img src=x onerror=alert(1)>", "<br>", "<b></b>"])
def test_a_title_that_only_speaks_of_a_tag_stays(title: str) -> None:
    assert parse(order(1, ALICE) | {"title": title}).title == title


@pytest.mark.parametrize("depth", [21, 450, 5_000])
@pytest.mark.parametrize("name", [None, "x"])
def test_a_row_that_is_nested_too_deeply_is_named_and_its_neighbours_are_stored(
    depth: int, name: str | None
) -> None:
    rows = [order(1, ALICE), order(2, ALICE, deep=nested(depth, 1, name)), order(3, ALICE)]
    report = import_records(rows)
    assert (report.created, len(report.errors)) == (2, 1)
    assert "20 levels deep" in report.errors[0][1]


def test_what_a_crm_nests_is_stored() -> None:
    assert import_records([order(1, ALICE, deep=nested(15))]).created == 1


@pytest.mark.parametrize(
    "value", ["a\ud800", "\udfff", NUL, {"\ud800": 1}, {NUL: 1}, [{"a": [NUL]}]]
)
def test_half_characters_and_nul_are_refused_wherever_they_stand(value: Any) -> None:
    rows = [order(1, ALICE, odd=value)]
    if isinstance(value, str):
        rows += [order(1, ALICE) | {name: f"<p>x{value}"} for name in ("id", "title", "text")]
    for row in rows:
        with pytest.raises(RecordError, match="NUL character or half of a surrogate pair"):
            parse(row)


def test_a_backslash_that_is_written_out_is_no_nul() -> None:
    assert parse(order(1, ALICE, path=r"C:\u0000")).fields["path"] == r"C:\u0000"


def test_too_long_a_text_or_title_is_cut_with_a_mark_and_said() -> None:
    row = order(1, ALICE, status="open") | {"title": "t" * 560, "text": "word " * 63_000}
    report = import_records([row])
    found = Record.objects.get()
    assert len(found.title) == 500 and found.title.endswith("t [cut]")
    assert len(found.text) <= 200_000 and found.text.endswith("word [cut]")
    assert found.fields["status"] == "open"
    assert report.notes[0] == (1, '"title" was cut: 500 of its 560 characters are kept')
    assert len(report.notes) == 2


@pytest.mark.parametrize("name", ["id", "kind", "customer"])
def test_too_long_a_name_is_refused_since_it_would_be_another_one(name: str) -> None:
    with pytest.raises(RecordError, match="is longer than"):
        parse(order(1, ALICE) | {name: "x" * 201})


def test_pictures_within_a_text_are_left_out() -> None:
    picture = "data:image/png;base64," + "A" * 300_000
    for text in (
        f'<p>See <img src="{picture}" alt="my zip"> here</p>',
        f"See ![my zip]({picture}) here",
    ):
        record = parse(order(1, ALICE) | {"text": text})
        assert (record.text, record.notes) == ("See my zip here", ())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p>Prefers <b>evening</b> calls&nbsp;&amp; none</p>", "Prefers evening calls & none"),
        ("Tom &amp; Jerry &ndash; friends", "Tom & Jerry – friends"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<h2>Head</h2><p>a<br>b</p>", "Head\n\na\nb"),
        ("<div>a</div><blockquote>b<br>c</blockquote>d", "a\n\n> b\n> c\n\nd"),
        ("<style>p {}</style><script>x()</script><p hidden>no</p>yes", "yes"),
        ('<p style="display:none">no</p>yes', "yes"),
        ("&lt;b&gt; is bold", "<b> is bold"),
        ("5 < 6 > 4", "5 < 6 > 4"),
        ("<alice@ash.example>", "<alice@ash.example>"),
        ("weights <5 kg and >2 kg", "weights <5 kg and >2 kg"),
        ("<p>unclosed", "unclosed"),
    ],
)  # fmt: skip
def test_html_is_plain_text_in_texts_titles_and_fields(given: str, kept: str) -> None:
    record = parse(order(1, ALICE, note=given, more=[{"deep": given}]) | {"text": given})
    assert record.text == kept
    assert record.fields["note"] == record.fields["more"][0]["deep"] == kept


@pytest.mark.parametrize(
    "text",
    ["<div>" * 40_000, "<blockquote>x" * 9_000, "<table>" * 9_000, "<" * 100_000, "<a " * 30_000,
     "<table><tr>" + "<td rowspan=9999 colspan=9999>x" * 500 + "<tr>" * 900, "<b>x</b>" * 9_000],
)  # fmt: skip
def test_hostile_html_is_read_in_a_moment(text: str) -> None:
    assert len(parse(order(1, ALICE) | {"text": f"see {text}"}).text) <= 200_000


@pytest.mark.parametrize(
    ("given", "utc"),
    [
        ("2026-11-27T24:00:00Z", "2026-11-28T00:00:00+00:00"),
        ("2026-11-27T24:00Z", "2026-11-28T00:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2026-11-27T14:00:00.5+02:00", "2026-11-27T12:00:00.500000+00:00"),
        ("20261127T140000Z", "2026-11-27T14:00:00+00:00"),
    ],
)
def test_times_as_iso_8601_has_them(given: str, utc: str) -> None:
    assert storable.moment(given).isoformat() == utc


@pytest.mark.parametrize(
    "given", [1795860000, "1795860000", 1795860000000, 1.5, True, [], {}, "24:00"]
)
def test_other_times_are_refused_with_what_to_send(given: Any) -> None:
    with pytest.raises(RecordError, match="ISO 8601 time such as 2026-11-27T14:00:00Z"):
        storable.moment(given)


def test_the_rows_of_a_file_are_judged_one_by_one(tmp_path: Any) -> None:
    from django.core.management import call_command

    file = tmp_path / "records.jsonl"
    deep = '{"id": "a", "fields": ' + "[" * 90_000 + "]" * 90_000 + "}"
    file.write_text("\n".join([deep, json.dumps(order(1, ALICE) | {"title": "x" * 600})]))
    call_command("import_records", file, no_index=True)
    assert Record.objects.get().title.endswith("[cut]")
