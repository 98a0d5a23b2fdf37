"""Webhooks in the API: who may do what, and what is shown of a secret."""

import pytest
from django.utils import timezone

from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from mer_platform.rest.models import KeyedRequest
from mer_platform.webhooks import services
from mer_platform.webhooks.models import Attempt, Delivery, Webhook

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.org/mer"
HOOKS = "/api/v1/webhooks/"


@pytest.fixture
def body(project) -> dict:
    return {
        "project": project.pk,
        "url": URL,
        "events": ["run.finished", "run.failed"],
        "description": "Pager",
    }


@pytest.fixture
def webhook(project, alice) -> Webhook:
    return services.create_webhook(project, URL, ["run.finished"], alice)[0]


@pytest.fixture
def delivery(webhook) -> Delivery:
    [made] = services.announce(webhook.project_id, "run.finished", {"run": 1})
    Attempt.objects.create(
        delivery=made, milliseconds=12, status=500, answer="busy", error="The receiver answered 500."
    )
    Delivery.objects.update(state="failed", tries=8, finished_at=timezone.now())
    made.refresh_from_db()
    return made


def test_the_secret_is_shown_once(api, body):
    answer = api.post(HOOKS, body)
    assert answer.status_code == 201
    assert answer.data["secret"].startswith("whsec_")
    assert answer["Cache-Control"] == "no-store"
    address = answer["Location"]
    shown = api.get(address)
    assert shown.data["events"] == ["run.finished", "run.failed"]
    assert shown.data["created_by"] == "alice"
    for answer in (shown, api.get(HOOKS), api.patch(address, {"description": "x"})):
        assert "whsec_" not in answer.content.decode()
        assert Webhook.objects.get().nonce not in answer.content.decode()


def test_the_database_does_not_hold_the_secret(api, body):
    secret = api.post(HOOKS, body).data["secret"]
    row = Webhook.objects.values().get()
    assert not [value for value in row.values() if secret.removeprefix("whsec_") in str(value)]


def test_a_new_secret_is_shown_once_and_the_former_one_signs_for_a_day(api, body):
    made = api.post(HOOKS, body).data
    answer = api.post(f"{HOOKS}{made['id']}/rotate-secret/")
    assert answer.status_code == 200
    assert answer.data["secret"] != made["secret"]
    hours = (answer.data["former_secret_until"] - timezone.now()).total_seconds() / 3600
    assert 23.9 < hours <= 24
    assert len(Webhook.objects.get().secrets()) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://hooks.example.org/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://hooks.example.org:22/"}, "url"),
        ({"url": "https://hooks.example.org:0/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["run.exploded"]}, "events"),
    ],
)
def test_what_no_webhook_may_have_is_refused_by_field(api, body, webhook, change, field):
    for answer in (api.post(HOOKS, {**body, **change}), api.patch(f"{HOOKS}{webhook.pk}/", change)):
        assert answer.status_code == 400
        assert field in answer.content.decode()
    assert Webhook.objects.count() == 1


def test_a_project_has_at_most_20_webhooks(api, body, project, alice):
    for _ in range(Webhook.MOST_PER_PROJECT):
        services.create_webhook(project, URL, ["run.failed"], alice)
    answer = api.post(HOOKS, body)
    assert answer.status_code == 400
    assert "at most 20 webhooks" in answer.content.decode()


def test_a_pause_is_ended_by_activating_it(api, webhook):
    Webhook.objects.update(active=False, paused_because="No delivery", failing_since=timezone.now())
    answer = api.patch(f"{HOOKS}{webhook.pk}/", {"active": True})
    assert (answer.data["active"], answer.data["paused_because"], answer.data["failing_since"]) == (
        True,
        "",
        None,
    )


def test_the_project_of_a_webhook_does_not_change(api, webhook, other_project, project):
    api.patch(f"{HOOKS}{webhook.pk}/", {"project": other_project.pk})
    webhook.refresh_from_db()
    assert webhook.project == project


def test_the_log_lists_deliveries_and_shows_attempts(api, webhook, delivery):
    listed = api.get(f"{HOOKS}{webhook.pk}/deliveries/?state=failed&event=run.finished").data["results"]
    assert [row["id"] for row in listed] == [delivery.pk]
    assert "body" not in listed[0]
    assert api.get(f"{HOOKS}{webhook.pk}/deliveries/?state=delivered").data["results"] == []
    assert api.get(f"{HOOKS}{webhook.pk}/deliveries/?state=lost").status_code == 400
    shown = api.get(f"{HOOKS}{webhook.pk}/deliveries/{delivery.pk}/").data
    assert shown["body"] == delivery.body
    assert shown["attempts"][0]["answer"] == "busy"
    assert shown["attempts"][0]["status"] == 500


def test_a_delivery_is_replayed_when_it_has_ended(api, webhook, delivery):
    address = f"{HOOKS}{webhook.pk}/deliveries/{delivery.pk}/replay/"
    answer = api.post(address)
    assert answer.status_code == 202
    assert answer.data["state"] == "waiting"
    assert answer["Location"].endswith(f"{HOOKS}{webhook.pk}/deliveries/{delivery.pk}/")
    assert api.post(address).status_code == 409


def test_a_test_event_is_queued(api, webhook):
    answer = api.post(f"{HOOKS}{webhook.pk}/test/")
    assert answer.status_code == 202
    assert (answer.data["event"], answer.data["state"]) == ("webhook.test", "waiting")


def test_owners_manage_researchers_look_and_test_and_others_see_nothing(
    project, member, bobs_api, body, webhook, delivery
):
    one = f"{HOOKS}{webhook.pk}/"
    log = f"{one}deliveries/{delivery.pk}/"
    researcher = member(project, "rita", Role.RESEARCHER)
    assert [row["id"] for row in researcher.get(HOOKS).data["results"]] == [webhook.pk]
    for address in (one, f"{one}deliveries/", log):
        assert researcher.get(address).status_code == 200
    assert researcher.post(f"{one}test/").status_code == 202
    assert researcher.post(f"{log}replay/").status_code == 202
    annotator = member(project, "anna", Role.ANNOTATOR)
    assert annotator.get(HOOKS).data["results"] == []
    for client, status in ((researcher, 403), (annotator, 403), (bobs_api, 404)):
        assert client.patch(one, {"active": False}).status_code == status
        assert client.post(f"{one}rotate-secret/").status_code == status
        assert client.delete(one).status_code == status
    for client, status in ((annotator, 403), (bobs_api, 404)):
        for address in (one, f"{one}deliveries/", log):
            assert client.get(address).status_code == status
        assert client.post(f"{one}test/").status_code == status
        assert client.post(f"{log}replay/").status_code == status
    assert researcher.post(HOOKS, body).status_code == 403
    assert bobs_api.post(HOOKS, body).status_code == 400


def test_the_list_makes_the_same_queries_for_any_number(api, project, alice, django_assert_max_num_queries):
    for _ in range(5):
        services.create_webhook(project, URL, ["run.failed"], alice)
    with django_assert_max_num_queries(4):
        assert len(api.get(HOOKS).data["results"]) == 5


def test_a_deleted_webhook_sends_nothing(api, webhook):
    services.announce(webhook.project_id, "run.finished", {"run": 1})
    assert api.delete(f"{HOOKS}{webhook.pk}/").status_code == 204
    assert not Delivery.objects.exists()
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}


def test_the_answers_with_a_secret_are_not_kept_for_repeated_requests(api, body):
    key = {"Idempotency-Key": "one"}
    made = [api.post(HOOKS, body, headers=key).data for _ in range(2)]
    assert made[0]["secret"] != made[1]["secret"]
    rotate = f"{HOOKS}{made[0]['id']}/rotate-secret/"
    assert api.post(rotate, headers=key).data["secret"] != api.post(rotate, headers=key).data["secret"]
    assert not KeyedRequest.objects.exists()


def test_a_project_is_deleted_with_its_webhooks_and_says_so(api, webhook):
    address = f"/api/v1/projects/{webhook.project_id}/"
    assert api.get(f"{address}deletion/").data["rows"]["webhooks"] == 1
    assert api.delete(address).status_code == 204
    assert not Webhook.objects.exists()
