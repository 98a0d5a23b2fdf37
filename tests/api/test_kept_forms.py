"""Signing in again leads back to the form, and the browser learns whether a form was taken."""

from urllib.parse import urlencode

import pytest
from django.urls import reverse

from mer_platform.forms_kept import TAKEN

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def address(project) -> str:
    return reverse("database-new", args=[project.slug])


def test_a_post_without_a_session_leads_back_to_the_page_of_the_form(client, address):
    answer = client.post(address, headers={"referer": f"http://testserver{address}?from=here"})
    assert answer["Location"] == f"{reverse('login')}?{urlencode({'next': f'{address}?from=here'})}"
    assert TAKEN not in answer.cookies


@pytest.mark.parametrize(
    "referer", ["https://elsewhere.example/projects/", "//elsewhere.example/", "javascript:1", ""]
)
def test_a_foreign_referer_leads_home(client, address, referer):
    answer = client.post(address, headers={"referer": referer})
    assert answer["Location"].endswith("?next=%2F")


def test_a_fragment_without_a_session_moves_the_whole_page(client, address):
    headers = {"hx-request": "true", "hx-current-url": f"http://testserver{address}"}
    answer = client.get(address, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["HX-Redirect"].startswith(reverse("login"))


@pytest.mark.parametrize("data", [{"name": "Lab", "fps": "200", "emotions": "joy"}, {"name": ""}])
def test_a_form_that_the_server_has_is_forgotten(client, alice, address, data):
    client.force_login(alice)
    assert TAKEN in client.post(address, data).cookies


def test_a_refused_form_is_kept(client, bob, address):
    client.force_login(bob)
    assert TAKEN not in client.post(address, {"name": "Lab"}).cookies
