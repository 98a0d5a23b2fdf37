"""Sessions of signed-in browsers."""

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from mer_platform.accounts.models import Session
from mer_platform.accounts.sessions import SessionStore, digest_of, forget_expired

pytestmark = pytest.mark.django_db
NAME = django_settings.SESSION_COOKIE_NAME


@pytest.fixture
def browser(alice) -> Client:
    client = Client()
    answer = client.post("/sign-in/", {"username": "alice", "password": "correct horse 1"})
    assert answer.status_code == 302
    return client


def test_a_copy_of_the_database_opens_no_session(browser, alice):
    row = Session.objects.get()
    assert (row.user, row.session_key) == (alice, digest_of(browser.cookies[NAME].value))
    thief = Client()
    thief.cookies[NAME] = row.session_key
    assert thief.get("/tokens/").status_code == 302
    assert browser.get("/tokens/").status_code == 200


def test_signing_out_ends_the_session(browser):
    key = browser.cookies[NAME].value
    browser.post("/sign-out/")
    assert not SessionStore().exists(key)
    assert not Session.objects.exclude(user=None).exists()


def test_a_later_request_keeps_the_start_of_the_session(browser):
    before = Session.objects.get()
    store = SessionStore(browser.cookies[NAME].value)
    store["seen"] = "page"
    store.save()
    after = Session.objects.get()
    assert after.created_at == before.created_at
    assert SessionStore(browser.cookies[NAME].value)["seen"] == "page"


def test_a_session_that_was_ended_in_between_is_not_stored_again(browser):
    browser.get("/")
    Session.objects.all().delete()
    assert browser.get("/tokens/").status_code == 302
    assert not Session.objects.exists()


def test_a_new_password_ends_the_sessions_of_other_browsers(browser, alice):
    other = Client()
    other.force_login(alice)
    form = {
        "old_password": "correct horse 1",
        "new_password1": "battery staple 9",
        "new_password2": "battery staple 9",
    }
    assert browser.post("/password/", form).status_code == 302
    assert browser.get("/tokens/").status_code == 200
    assert other.get("/tokens/").status_code == 302


def test_expired_sessions_are_forgotten(browser):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert browser.get("/tokens/").status_code == 302
    assert forget_expired() == 1


def test_the_page_lists_open_sessions_and_ends_them(browser, alice, bob):
    others = [Client(headers={"user-agent": f"Browser {n}"}) for n in (1, 2, 3)]
    for other in others:
        assert (
            other.post("/sign-in/", {"username": "alice", "password": "correct horse 1"}).status_code == 302
        )
    stranger = Client()
    stranger.force_login(bob)
    page = browser.get("/sessions/").content.decode()
    assert (page.count("End session<"), page.count("This browser")) == (3, 1)
    assert "Browser 2" in page
    browser.post("/sessions/", {"session": digest_of(others[0].cookies[NAME].value)})
    assert others[0].get("/tokens/").status_code == 302
    assert others[1].get("/tokens/").status_code == 200
    browser.post("/sessions/")
    assert others[1].get("/tokens/").status_code == 302
    assert browser.get("/tokens/").status_code == 200
    assert stranger.get("/tokens/").status_code == 200


def test_a_session_of_someone_else_is_not_ended(browser, bob):
    stranger = Client()
    stranger.force_login(bob)
    answer = browser.post("/sessions/", {"session": digest_of(stranger.cookies[NAME].value)}, follow=True)
    assert "No such session is open." in answer.content.decode()
    assert stranger.get("/tokens/").status_code == 200


def test_a_session_that_a_new_password_ended_is_not_listed(browser, alice):
    alice.set_password("battery staple 9")
    alice.save()
    other = Client()
    other.force_login(alice)
    assert "End session<" not in other.get("/sessions/").content.decode()
