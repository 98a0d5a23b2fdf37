"""The pages of webhooks."""

import pytest
from django.urls import reverse

from mer_platform.projects.models import Membership, Role
from mer_platform.webhooks import services
from mer_platform.webhooks.models import Attempt, Delivery, Webhook

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.org/mer"


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def webhook(project, alice) -> Webhook:
    return services.create_webhook(project, URL, ["run.finished"], alice)[0]


@pytest.fixture
def delivery(webhook) -> Delivery:
    [made] = services.announce(webhook.project_id, "run.finished", {"run": 1})
    Attempt.objects.create(
        delivery=made, milliseconds=12, status=500, answer="<b>busy</b>", error="The receiver answered 500."
    )
    Delivery.objects.update(state="failed", tries=8)
    return made


def page_of(webhook) -> str:
    return reverse("webhook", args=[webhook.project.slug, webhook.pk])


def act(browser, webhook, action, **options):
    return browser.post(reverse("webhook-action", args=[webhook.project.slug, webhook.pk, action]), **options)


def test_a_new_secret_is_on_the_page_once(browser, project):
    address = reverse("webhooks", args=[project.slug])
    answer = browser.post(address, {"url": URL, "events": ["run.finished"]})
    assert answer["Cache-Control"] == "no-store"
    assert "whsec_" in answer.content.decode()
    for other in (address, page_of(Webhook.objects.get())):
        assert "whsec_" not in browser.get(other).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://hooks.example.org/"}, "must start with https://"),
        ({"url": "https://169.254.169.254/"}, "is not public"),
        ({"events": []}, "Choose at least one event."),
    ],
)
def test_the_form_says_what_is_wrong(browser, project, fields, words):
    answer = browser.post(
        reverse("webhooks", args=[project.slug]), {"url": URL, "events": ["run.finished"], **fields}
    )
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Webhook.objects.exists()


def test_an_owner_changes_pauses_resumes_rotates_and_deletes(browser, webhook):
    browser.post(page_of(webhook), {"url": URL, "events": ["run.failed"], "description": "Pager"})
    webhook.refresh_from_db()
    assert (webhook.events, webhook.description) == (["run.failed"], "Pager")
    act(browser, webhook, "pause")
    assert "paused" in browser.get(page_of(webhook)).content.decode()
    act(browser, webhook, "resume")
    webhook.refresh_from_db()
    assert webhook.active
    assert "whsec_" in act(browser, webhook, "rotate").content.decode()
    assert "signs too until" in browser.get(page_of(webhook)).content.decode()
    act(browser, webhook, "delete")
    assert not Webhook.objects.exists()


def test_the_log_and_a_delivery_show_what_happened(browser, webhook, delivery):
    assert "run.finished" in browser.get(page_of(webhook)).content.decode()
    assert "Nothing sent yet" in browser.get(page_of(webhook), {"state": "delivered"}).content.decode()
    address = reverse("webhook-delivery", args=[webhook.project.slug, webhook.pk, delivery.pk])
    page = browser.get(address).content.decode()
    assert "The receiver answered 500." in page
    assert "&lt;b&gt;busy&lt;/b&gt;" in page
    browser.post(reverse("webhook-replay", args=[webhook.project.slug, webhook.pk, delivery.pk]))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.replays) == ("waiting", 1)


def test_the_reason_of_a_pause_is_shown(browser, webhook):
    Webhook.objects.update(active=False, paused_because="The receiver answered 410: it no longer exists.")
    assert "answered 410" in browser.get(page_of(webhook)).content.decode()


def test_researchers_test_and_replay_and_do_not_change(client, webhook, delivery, bob):
    membership = Membership.objects.create(project=webhook.project, user=bob, role=Role.RESEARCHER)
    client.force_login(bob)
    assert "Replace the secret" not in client.get(page_of(webhook)).content.decode()
    assert act(client, webhook, "test").status_code == 302
    assert client.post(page_of(webhook), {"url": URL}).status_code == 403
    for action in ("rotate", "pause", "resume", "delete"):
        assert act(client, webhook, action).status_code == 403
    membership.role = Role.ANNOTATOR
    membership.save()
    assert client.get(page_of(webhook)).status_code == 403
    membership.delete()
    assert client.get(page_of(webhook)).status_code == 404
    assert act(client, webhook, "test").status_code == 404
    assert Webhook.objects.get().nonce == webhook.nonce


def test_the_pages_make_the_same_queries_for_any_number(
    browser, webhook, delivery, django_assert_max_num_queries
):
    for _ in range(40):
        services.announce(webhook.project_id, "run.finished", {"run": 1})
    with django_assert_max_num_queries(12):
        browser.get(page_of(webhook))
    with django_assert_max_num_queries(10):
        browser.get(reverse("webhooks", args=[webhook.project.slug]))
