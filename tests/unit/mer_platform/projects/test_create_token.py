"""`manage.py create_token`."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from mer_platform.projects.models import ApiToken


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user("ada", password="correct horse 1")


def test_create_token_prints_a_working_token_alone(ada, capsys):
    call_command("create_token", "ada", "--name", "notebook")
    printed = capsys.readouterr().out
    assert printed == printed.strip() + "\n"
    client = APIClient()
    answer = client.get("/api/v1/projects/", HTTP_AUTHORIZATION=f"Bearer {printed.strip()}")
    assert answer.status_code == 200
    row = ApiToken.objects.get(user=ada)
    assert row.name == "notebook"
    assert printed.strip() not in (row.digest, row.prefix)


def test_create_token_refuses_an_unknown_user(db):
    with pytest.raises(CommandError, match="User “stranger” not found"):
        call_command("create_token", "stranger")


def test_create_token_for_an_inactive_user_is_refused(ada):
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="not active"):
        call_command("create_token", "ada")
    assert not ApiToken.objects.exists()


def test_create_token_refuses_a_name_too_long_to_keep(ada):
    with pytest.raises(CommandError, match="at most 60"):
        call_command("create_token", "ada", "--name", "n" * 61)
