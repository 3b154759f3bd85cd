"""Who gives whom which rights: alice may everything, bob administers, charlie answers customers,
dora audits, and erin may change users and groups only."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from chatbot.people import roles

pytestmark = pytest.mark.django_db
LACKING = "rights that you do not hold"


@pytest.fixture
def people() -> dict[str, User]:
    found = {"alice": User.objects.create_superuser("alice")}
    for name, role in (
        ("bob", roles.ADMINISTRATOR),
        ("charlie", roles.AGENT),
        ("dora", roles.AUDITOR),
    ):
        found[name] = User.objects.create_user(name, password=f"{name} 12345", is_staff=True)
        found[name].groups.add(group(role))
    erin = found["erin"] = User.objects.create_user("erin", is_staff=True)
    wanted = [f"{do}_{what}" for do in ("view", "change", "add") for what in ("user", "group")]
    erin.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    return found


def group(name: str) -> Group:
    return Group.objects.get(name=name)


def submit(giver: User, user: User, *groups: Group, **changed: Any) -> str:
    """The form of `user`, filled in by `giver`; what its page says then."""
    client = Client()
    client.force_login(giver)
    data = {"username": user.username, "is_active": "on", "is_staff": "on"}
    data |= {"date_joined_0": "2026-11-20", "date_joined_1": "10:00:00"}
    data |= {"is_superuser": "on"} if user.is_superuser else {}
    data |= {"groups": [one.pk for one in groups]} | changed
    filled = {name: value for name, value in data.items() if value is not None}
    answer = client.post(f"/admin/auth/user/{user.pk}/change/", filled, follow=True)
    user.refresh_from_db()
    return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


def names(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


@pytest.mark.parametrize("who", ["bob", "charlie", "erin"])
def test_bob_gives_nobody_the_auditors_rights(people: dict[str, User], who: str) -> None:
    """Not himself, either."""
    user = people[who]
    before = names(user)
    assert LACKING in submit(people["bob"], user, *user.groups.all(), group(roles.AUDITOR))
    assert names(user) == before


def test_bob_gives_what_he_holds(people: dict[str, User]) -> None:
    submit(people["bob"], people["charlie"], group(roles.LEAD), group(roles.ADMINISTRATOR))
    assert names(people["charlie"]) == {roles.LEAD, roles.ADMINISTRATOR}


def test_alice_gives_all(people: dict[str, User]) -> None:
    submit(people["alice"], people["charlie"], group(roles.AUDITOR))
    assert names(people["charlie"]) == {roles.AUDITOR}


@pytest.mark.parametrize("role", roles.ALL)
def test_who_may_only_change_users_gives_no_role(people: dict[str, User], role: str) -> None:
    assert LACKING in submit(people["erin"], people["erin"], group(role))
    assert names(people["erin"]) == set()


def test_a_right_that_is_written_into_the_form_counts_for_nothing(people: dict[str, User]) -> None:
    every = list(Permission.objects.values_list("pk", flat=True))
    submit(people["bob"], people["bob"], group(roles.ADMINISTRATOR), user_permissions=every)
    submit(people["bob"], people["bob"], group(roles.ADMINISTRATOR), is_superuser="on")
    assert not people["bob"].is_superuser
    assert not people["bob"].user_permissions.exists()


@pytest.mark.parametrize("who", ["alice", "dora"])
@pytest.mark.parametrize("active", [True, False])
def test_bob_takes_over_nobody_who_may_more(
    people: dict[str, User], who: str, active: bool
) -> None:
    """A new password would be their rights; also of who is switched off, and can be switched on."""
    user, client = people[who], Client()
    User.objects.filter(pk=user.pk).update(is_active=active)
    client.force_login(people["bob"])
    new = {"password1": "bobs words 1", "password2": "bobs words 1", "usable_password": "true"}
    before = User.objects.get(pk=user.pk).password
    assert client.post(f"/admin/auth/user/{user.pk}/password/", new).status_code == 403
    assert client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"}).status_code == 403
    assert submit(people["bob"], user) == "403"
    together = {"action": "delete_selected", "_selected_action": [user.pk, people["charlie"].pk]}
    client.post("/admin/auth/user/", together | {"post": "yes"})
    assert User.objects.get(pk=user.pk).password == before
    assert User.objects.filter(pk=people["charlie"].pk).exists()


def test_erin_sets_no_password_of_an_agent_and_alice_sets_all(people: dict[str, User]) -> None:
    new = {"password1": "new words 1", "password2": "new words 1", "usable_password": "true"}
    for giver, status in (("erin", 403), ("bob", 302), ("alice", 302)):
        client = Client()
        client.force_login(people[giver])
        answer = client.post(f"/admin/auth/user/{people['charlie'].pk}/password/", new)
        assert answer.status_code == status, giver


def test_of_several_only_those_below_are_let_in_or_reset(people: dict[str, User]) -> None:
    client = Client()
    client.force_login(people["bob"])
    chosen = [people["dora"].pk, people["charlie"].pk]
    for action in ("reset_second_factor", "unlock"):
        data = {"action": action, "_selected_action": chosen}
        html = client.post("/admin/auth/user/", data, follow=True).content.decode()
        assert "dora was not changed: this user has rights that you do not hold." in html
        assert "charlie will set up" in html or "charlie can log in" in html


# --- groups


def of_group(giver: User, target: Group | None, name: str, *permissions: str) -> str:
    client = Client()
    client.force_login(giver)
    every = Permission.objects.select_related("content_type")
    chosen = [one.pk for one in every if named(one) in permissions]
    url = f"/admin/auth/group/{target.pk}/change/" if target else "/admin/auth/group/add/"
    answer = client.post(url, {"name": name, "permissions": chosen}, follow=True)
    return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


def named(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


@pytest.mark.slow
def test_bob_puts_no_right_into_a_group_that_he_lacks(people: dict[str, User]) -> None:
    secret = "auditlog.view_logentry"
    night = Group.objects.create(name="Night shift")
    for target in (night, None, group(roles.ADMINISTRATOR)):
        name = target.name if target else "New"
        assert LACKING in of_group(people["bob"], target, name, secret)
    assert not Group.objects.filter(name="New").exists()
    assert not night.permissions.exists()
    assert not people["bob"].has_perm(secret)
    of_group(people["bob"], night, "Night shift", "crm.view_record")
    assert [named(one) for one in night.permissions.all()] == ["crm.view_record"]


def test_nobody_touches_a_group_that_may_more(people: dict[str, User]) -> None:
    auditors = group(roles.AUDITOR)
    assert of_group(people["bob"], auditors, "Mine", "crm.view_record") == "403"
    client = Client()
    client.force_login(people["bob"])
    url = f"/admin/auth/group/{auditors.pk}/delete/"
    assert client.post(url, {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [auditors.pk], "post": "yes"}
    client.post("/admin/auth/group/", data)
    assert Group.objects.filter(name=roles.AUDITOR).exists()


def test_the_name_of_a_role_brings_its_rights_with_the_next_migration(
    people: dict[str, User],
) -> None:
    """So whoever lacks them does not give that name."""
    group(roles.AUDITOR).delete()
    assert LACKING in of_group(people["bob"], None, roles.AUDITOR)
    assert LACKING in of_group(people["erin"], None, roles.AUDITOR)
    assert LACKING not in of_group(people["alice"], None, roles.AUDITOR)


# --- the last one


@pytest.mark.parametrize("field", ["is_superuser", "is_active", "is_staff"])
def test_alice_does_not_lock_herself_out(people: dict[str, User], field: str) -> None:
    assert "You cannot remove this from yourself" in submit(
        people["alice"], people["alice"], **{field: None}
    )
    assert getattr(people["alice"], field)


def test_alice_deletes_other_superusers_but_never_herself(people: dict[str, User]) -> None:
    frank, client = User.objects.create_superuser("frank"), Client()
    client.force_login(people["alice"])
    for chosen in ([people["alice"].pk], [people["alice"].pk, frank.pk]):
        data = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        client.post("/admin/auth/user/", data)
        assert User.objects.filter(is_superuser=True).count() == 2
    client.post(f"/admin/auth/user/{people['alice'].pk}/delete/", {"post": "yes"})
    assert User.objects.filter(username="alice").exists()
    client.post(f"/admin/auth/user/{frank.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(username="frank").exists()
