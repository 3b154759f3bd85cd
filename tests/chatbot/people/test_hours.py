"""Opening times: what is typed, when it is open, and how that is said."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.people.hours import DAY, WEEKDAYS, Hours, Span, spans, special_day, written

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = dict.fromkeys(WEEKDAYS[:5], "09:00–12:30, 13:30–18:00")
MONDAY = date(2026, 11, 23)


def office(**special: str) -> Hours:
    lines = [f"{day.replace('_', '-')[1:]} {text}" for day, text in special.items()]
    return Hours.read("Europe/Berlin", OFFICE, lines)


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time(hour, minute), BERLIN).astimezone(UTC)


# --- what is typed


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("9-18", "09:00–18:00"),
        ("13.30 to 18:00, 9–12:30", "09:00–12:30, 13:30–18:00"),
        ("00:00-24:00", "00:00–24:00"),
        ("22:00-02:00", "22:00–02:00"),
        ("", ""),
        ("Closed", ""),
    ],
)
def test_times_are_understood_as_people_type_them(typed: str, kept: str) -> None:
    assert written(spans(typed)) == kept
    assert spans(kept) == spans(typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("9am-5pm", 'Write "9am-5pm" like 09:00–12:30'),
        ("nine to five", "like 09:00–12:30"),
        ("9-25", "25:00 is not a time of day"),
        ("9:60-12", "9:60 is not a time of day"),
        ("9-9", '"9-9" has no length; write 00:00–24:00 for a whole day'),
        ("9-13, 12-18", "overlap at 12:00"),
        ("20-02, 23-24", "overlap at 23:00"),
    ],
)
def test_what_is_wrong_is_said(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        spans(typed)


def test_special_days() -> None:
    assert special_day(" 2026-12-24: 9-12 ") == "2026-12-24 09:00–12:00"
    assert special_day("2026-12-25 closed") == "2026-12-25 closed"
    with pytest.raises(ValueError, match="Begin .* with a date, like 2026-12-24"):
        special_day("Christmas closed")
    with pytest.raises(ValueError, match="write: 2026-12-25 closed"):
        special_day("2026-12-25")


# --- when it is open


@pytest.mark.parametrize(
    ("now", "standing", "words"),
    [
        (at(8), "Opens 09:00", "today at 9:00"),
        (at(9), "Open now, until 12:30", ""),
        (at(12, 30), "Opens 13:30", "today at 13:30"),
        (at(17, 59), "Open now, until 18:00", ""),
        (at(18), "Opens Tuesday 09:00", "tomorrow at 9:00"),
        (at(20, 0, date(2026, 11, 27)), "Opens Monday 09:00", "on Monday at 9:00"),
    ],
)
def test_office_hours(now: datetime, standing: str, words: str) -> None:
    hours = office()
    assert hours.standing(now) == standing
    assert hours.is_open(now) == (not words)
    opens = hours.next_opening(now)
    assert (hours.for_customers(opens, now) if opens else "") == words


def test_a_special_day_takes_the_place_of_the_usual_times() -> None:
    hours = office(_2026_11_23="closed", _2026_11_24="10:00–11:00", _2026_11_28="09:00–12:00")
    assert hours.standing(at(10)) == "Opens Tuesday 10:00"
    assert hours.standing(at(10, 30, date(2026, 11, 24))) == "Open now, until 11:00"
    assert hours.is_open(at(10, 0, date(2026, 11, 28)))


def test_far_away_the_date_is_said() -> None:
    closed = {f"_2026_12_{day:02}": "closed" for day in range(21, 32)}
    hours = office(**closed, _2027_01_01="closed")
    friday = at(19, 0, date(2026, 12, 18))
    assert hours.standing(friday) == "Opens 4 January 09:00"
    monday = hours.next_opening(friday)
    assert hours.for_customers(monday, friday) == "on Monday, 4 January, at 9:00"


def test_without_hours_it_is_always_open_but_on_special_days() -> None:
    assert Hours(BERLIN).standing(at(3)) == "Always open"
    hours = Hours.read("Europe/Berlin", {}, ["2026-11-25 closed"])
    assert hours.standing(at(3)) == "Open now, until Wednesday 00:00"
    assert hours.standing(at(3, 0, date(2026, 11, 25))) == "Opens Thursday 00:00"


def test_a_week_without_an_opening_in_sight() -> None:
    hours = Hours.read("UTC", {"monday": "9-10"}, [])
    shut = {MONDAY + timedelta(weeks=number): () for number in range(20)}
    assert Hours(hours.zone, hours.week, shut).standing(at(9)) == "Closed until further notice"


def test_a_night_shift_goes_on_after_midnight() -> None:
    hours = Hours.read("Europe/Berlin", {"friday": "22-2"}, [])
    saturday = date(2026, 11, 28)
    assert hours.is_open(at(1, 59, saturday))
    assert hours.standing(at(1, 0, saturday)) == "Open now, until 02:00"
    assert not hours.is_open(at(2, 0, saturday))


# --- clocks that change


def test_the_clocks_change_and_the_doors_open_by_the_clock() -> None:
    hours = Hours.read("Europe/Berlin", dict.fromkeys(WEEKDAYS, "9-18"), [])
    for before, utc in ((date(2026, 3, 28), 7), (date(2026, 10, 24), 8)):
        opens = hours.next_opening(at(20, 0, before))
        assert opens == datetime.combine(before + timedelta(1), time(utc), UTC)


def test_a_whole_day_has_as_many_hours_as_the_clocks_give_it() -> None:
    for sunday, length in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        hours = Hours.read("Europe/Berlin", {"sunday": "00:00-24:00"}, [])
        opens, closes = hours.spell(at(0, 0, sunday))
        assert closes - opens == timedelta(hours=length)


def test_the_hour_that_comes_twice_is_open_both_times() -> None:
    hours = Hours.read("Europe/Berlin", {"sunday": "2:15-2:45"}, [])
    for fold in (0, 1):
        wall = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold)
        assert hours.is_open(wall.astimezone(UTC))


def test_the_hour_that_is_left_out_comes_an_hour_later() -> None:
    hours = Hours.read("Europe/Berlin", {"sunday": "2:15-2:45"}, [])
    assert hours.is_open(at(3, 30, date(2026, 3, 29)))


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
ZONES += ["America/Havana", "Africa/Cairo", "Pacific/Apia"]
spanned = st.tuples(st.integers(0, DAY - 1), st.integers(1, DAY - 1)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)


@st.composite
def day_of(draw: st.DrawFn) -> tuple[Span, ...]:
    found: list[Span] = []
    for begins, ends in sorted(draw(st.lists(spanned, max_size=3))):
        if not found or found[-1][1] <= begins:
            found.append((begins, ends))
    return tuple(found)


opened = st.builds(
    Hours,
    st.sampled_from(ZONES).map(ZoneInfo),
    st.tuples(*[day_of()] * 7),
    st.dictionaries(st.dates(date(2026, 3, 20), date(2026, 11, 10)), day_of(), max_size=4),
)
moments = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 20), timezones=st.just(UTC))


@given(day_of())
def test_what_is_written_is_read_again(day: tuple[Span, ...]) -> None:
    assert spans(written(day)) == day


@given(opened, moments)
@settings(deadline=None)
def test_it_is_open_from_its_opening_to_its_closing_and_not_beside(
    hours: Hours, now: datetime
) -> None:
    found = hours.spell(now)
    if found is None:
        return
    opens, closes = found
    second = timedelta(seconds=1)
    assert hours.is_open(now) == (opens <= now)
    assert hours.is_open(opens)
    if opens > now:
        assert not hours.is_open(opens - second)
        assert hours.next_opening(now) == opens
    if closes:
        assert closes > now
        assert hours.is_open(closes - second)
        assert not hours.is_open(closes)


@given(opened, moments)
@settings(deadline=None)
def test_by_the_clock_on_the_wall_where_no_clock_changes(hours: Hours, now: datetime) -> None:
    there = now.astimezone(hours.zone)
    offsets = {(now + timedelta(days=d)).astimezone(hours.zone).utcoffset() for d in (-3, 3)}
    if len(offsets) > 1:
        return
    wall = there.hour * 60 + there.minute + there.second / 60 + there.microsecond / 6e7
    days = [(there.date() - timedelta(days=back), wall + back * DAY) for back in (0, 1)]
    inside = any(a <= minute < b for day, minute in days for a, b in hours.of_day(day))
    assert hours.is_open(now) == inside
