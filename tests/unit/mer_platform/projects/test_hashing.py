"""Many sign-ins at once: their hashes take turns, and those that find no place are answered at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.contrib.auth.models import User
from django.test import Client

from mer_platform.projects import hashing
from mer_platform.projects.hashing import OneAtATime, TooManySignIns
from mer_platform.rest.waiting import PLACES

HASHERS = ["mer_platform.projects.hashing.OneAtATime"]


class SlowHash:
    """Stands for Django's hash: ends when the test says so, and counts how many run at once."""

    def __init__(self, wanted: int) -> None:
        self.running, self.most, self.wanted = 0, 0, wanted
        self.end, self.lock = threading.Event(), threading.Lock()

    def encode(self, hasher, password, salt, iterations=None):
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.end.wait(30)
        with self.lock:
            self.running -= 1
        return password


@pytest.fixture(autouse=True)
def own_hashers(settings):
    settings.PASSWORD_HASHERS = HASHERS


@pytest.fixture
def slow(monkeypatch):
    found = SlowHash(1)
    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", lambda *args: found.encode(*args))
    yield found
    found.end.set()


def test_hashes_are_those_of_django_and_can_be_checked():
    encoded = OneAtATime().encode("correct horse", "salt", 1)
    assert encoded == PBKDF2PasswordHasher().encode("correct horse", "salt", 1)
    assert check_password("x", make_password("x"))


def test_of_40_sign_ins_one_hashes_a_few_wait_and_the_others_are_refused_at_once(slow, settings):
    settings.MOST_WAITING = 8
    refused = threading.Semaphore(0)

    def sign_in(number: int) -> str:
        try:
            return OneAtATime().encode(str(number), "salt")
        except TooManySignIns:
            refused.release()
            return "refused"

    with ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(sign_in, number) for number in range(40)]
        for _ in range(40 - 1 - 8):  # all others, while the first hash runs
            assert refused.acquire(timeout=20)
        slow.end.set()
        found = [answer.result(timeout=20) for answer in answers]
    assert found.count("refused") == 31
    assert slow.most == 1
    with PLACES.one() as free:
        assert free


@pytest.mark.django_db
def test_a_refused_sign_in_says_when_to_try_again(monkeypatch, settings):
    User.objects.create_user("alice", password="correct horse 1")
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MOST_WAITING = 0
    assert hashing._TURN.acquire(timeout=1)
    try:
        answer = Client().post("/sign-in/", {"username": "alice", "password": "correct horse 1"})
    finally:
        hashing._TURN.release()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "Try again in a few seconds" in answer.content.decode()
    assert Client().post("/sign-in/", {"username": "alice", "password": "correct horse 1"}).status_code == 302
