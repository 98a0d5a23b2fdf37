"""Errors of the API are problem details, with the id of the request, from any part of the platform."""

import logging

import pytest
from django.test import Client
from rest_framework.test import APIClient

from mer_platform.clips.models import Database
from mer_platform.projects.models import Role
from tests.api.problems import field_errors, problem_of

pytestmark = pytest.mark.django_db


def test_an_unknown_address_is_a_problem_also_without_credentials():
    answer = Client().get("/api/v1/nothing/")
    assert answer.status_code == 404
    assert "There is nothing at /api/v1/nothing/" in problem_of(answer)["detail"]


def test_a_post_without_the_last_slash_is_not_turned_into_a_get(api):
    answer = api.post("/api/v1/databases", {})
    assert answer.status_code == 404
    assert "use /api/v1/databases/" in problem_of(answer)["detail"]


def test_each_answer_has_the_id_of_its_request(api):
    assert len(api.get("/api/v1/clips/")["X-Request-ID"]) == 32
    own = api.get("/api/v1/clips/0/", headers={"X-Request-ID": "job-7.a"})
    assert own["X-Request-ID"] == problem_of(own)["request_id"] == "job-7.a"
    assert api.get("/api/v1/clips/", headers={"X-Request-ID": "a b\nc"})["X-Request-ID"] != "a b\nc"


def test_a_failure_of_the_server_states_the_id_that_the_log_has(alice, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr("mer_platform.clips.database_api.DatabaseViewSet.get_queryset", fail)
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(alice)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/v1/databases/")
    problem = problem_of(answer)
    assert (answer.status_code, problem["code"]) == (500, "internal_error")
    assert "broken" not in answer.content.decode()
    assert any(record.exc_info for record in caplog.records)


def test_the_type_of_an_error_leads_to_its_explanation(api):
    address = problem_of(api.get("/api/v1/clips/0/"))["type"]
    assert Client().get(address).json()["title"] == "Not found"
    assert len(Client().get("/api/errors/").json()["errors"]) > 20


def test_a_body_that_is_too_large_is_not_read(api, project):
    answer = api.generic(
        "POST", "/api/v1/databases/", b"{}", "application/json", CONTENT_LENGTH=str(11 * 1024**2)
    )
    assert (answer.status_code, problem_of(answer)["code"]) == (413, "too_large")


def test_a_method_that_is_not_taken_names_the_others(api):
    answer = api.put("/api/v1/clips/", {})
    assert problem_of(answer)["code"] == "method_not_allowed"
    assert "GET" in answer["Allow"]


def test_unknown_fields_and_parameters_name_the_known_ones(api, project):
    answer = api.post("/api/v1/databases/", {"project": project.pk, "name": "x", "colour": 1, "id": 3})
    assert problem_of(answer)["code"] == "unknown_field"
    assert "fps_for_videos" in field_errors(answer)["/colour"][0]
    assert "Cannot be set" in field_errors(answer)["/id"][0]
    answer = api.get("/api/v1/databases/", {"colour": 1, "page": 1})
    assert problem_of(answer)["code"] == "unknown_parameter"
    assert "page_size" in field_errors(answer)["?colour"][0]


@pytest.mark.parametrize("wrong", ["1", " 1 ", 1.7, True, 10**39, [1], {}])
def test_what_is_no_id_is_not_taken_for_one(api, project, wrong):
    answer = api.post("/api/v1/databases/", {"project": wrong, "name": "x"})
    assert answer.status_code == 400
    assert "/project" in field_errors(answer)
    assert not Database.objects.exists()


def test_all_wrong_ids_of_a_list_are_named_at_once(
    api, project, database, clip, django_assert_max_num_queries
):
    sent = {"project": project.pk, "name": "x", "databases": [database.pk, 901, 1.7, 902, True]}
    with django_assert_max_num_queries(12):
        answer = api.post("/api/v1/composite-versions/", sent)
    assert set(field_errors(answer)) == {f"/databases/{index}" for index in (1, 2, 3, 4)}
    sent["databases"] = [database.pk, 901, 902]
    assert set(field_errors(api.post("/api/v1/composite-versions/", sent))) == {
        "/databases/1",
        "/databases/2",
    }
    sent["databases"] = list(range(1, 10_002))
    assert "at most 10,000" in field_errors(api.post("/api/v1/composite-versions/", sent))["/databases"][0]


@pytest.mark.parametrize(
    "body", ['{"name": "a", "name": "b"}', '{"name": "a\\u0000"}', '{"name": "a\\ud800"}', "[" * 900]
)
def test_json_that_means_nothing_is_refused(api, project, body):
    answer = api.generic("POST", "/api/v1/databases/", body.encode(), "application/json")
    assert (answer.status_code, problem_of(answer)["code"]) == (400, "malformed_json")


def test_equal_names_at_the_same_moment_are_a_conflict(api, project, monkeypatch):
    Database.objects.create(project=project, name="A", fps=200)
    monkeypatch.setattr("rest_framework.validators.UniqueTogetherValidator.__call__", lambda *_: None)
    answer = api.post("/api/v1/databases/", {"project": project.pk, "name": "A", "fps": 200})
    assert (answer.status_code, problem_of(answer)["code"]) == (409, "conflict")


def test_flow_that_has_to_be_computed_is_for_annotators(project, clip, member):
    viewer = member(project, "vera", Role.VIEWER)
    assert viewer.get(f"/api/v1/clips/{clip.pk}/flow/?from=1&to=2").status_code == 403
