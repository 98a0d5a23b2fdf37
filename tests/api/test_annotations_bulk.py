"""Many annotations change in one request, each by the rules of a single one."""

import uuid

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mer_platform.annotation.models import Annotation, AnnotationVersion, Assignment
from mer_platform.projects.models import Role
from tests.api.problems import field_errors, problem_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/annotations/bulk/"


@pytest.fixture
def stored(api, clip) -> dict:
    return api.post("/api/v1/annotations/", {"clip": clip.pk, "onset": 10, "apex": 20, "offset": 30}).json()


def send(client, *operations, status=200, **fields):
    answer = client.post(URL, {"operations": list(operations), **fields})
    assert answer.status_code == status, answer.content
    return answer


def results(client, *operations) -> list[dict]:
    return send(client, *operations).json()["results"]


def test_each_operation_has_a_result(api, clip, stored):
    gone = api.post("/api/v1/annotations/", {"clip": clip.pk}).json()
    answer = send(
        api,
        {"op": "create", "clip": clip.pk, "onset": 40},
        {"op": "update", "id": stored["id"], "revision": 1, "apex": 21},
        {"op": "delete", "id": gone["id"], "revision": 1},
        {"op": "create", "clip": clip.pk, "onset": 100, "emotion": "boredom"},
    ).json()
    made, changed, deleted, failed = answer["results"]
    assert (answer["succeeded"], answer["failed"]) == (3, 1)
    assert (made["status"], made["annotation"]["onset"], made["annotation"]["coder"]) == (201, 40, "alice")
    assert (changed["status"], changed["annotation"]["apex"], changed["annotation"]["revision"]) == (
        200,
        21,
        2,
    )
    assert (deleted["status"], deleted["annotation"], deleted["problem"]) == (204, None, None)
    assert failed["status"] == failed["problem"]["status"] == 400
    assert {e["pointer"] for e in failed["problem"]["errors"]} == {"/operations/3/onset"}
    assert set(Annotation.objects.values_list("pk", "apex")) == {
        (made["annotation"]["id"], None),
        (stored["id"], 21),
    }
    kept = AnnotationVersion.objects.order_by("pk").values_list("annotation", "revision", "client")
    assert list(kept)[2:] == [
        (stored["id"], 2, "api"),
        (gone["id"], 2, "api"),
        (made["annotation"]["id"], 1, "api"),
    ]


def test_nothing_changes_if_an_atomic_one_fails(api, clip, stored):
    answer = send(
        api,
        {"op": "update", "id": stored["id"], "note": "new"},
        {"op": "create", "clip": clip.pk, "onset": -1},
        {"op": "delete", "id": 99_999_999},
        atomic=True,
        status=400,
    )
    assert set(field_errors(answer)) == {"/operations/1/onset", "/operations/2"}
    assert [(r["index"], r["status"]) for r in answer.json()["results"]] == [(1, 400), (2, 404)]
    assert problem_of(answer)["code"] == "validation_failed"
    assert (Annotation.objects.get().note, AnnotationVersion.objects.count()) == ("", 1)


def test_a_stale_revision_fails_with_the_current_state(api, stored):
    first, second, gone = results(
        api,
        {"op": "update", "id": stored["id"], "revision": 1, "note": "a"},
        {"op": "update", "id": stored["id"], "revision": 1, "note": "b"},
        {"op": "delete", "id": stored["id"], "revision": 1},
    )
    assert [first["status"], second["status"], gone["status"]] == [200, 412, 412]
    assert (second["problem"]["code"], second["problem"]["current"]["note"]) == ("precondition_failed", "a")
    assert AnnotationVersion.objects.filter(annotation=stored["id"]).count() == 2


def test_a_repeated_create_makes_no_second_annotation(api, project, clip, member):
    operation = {"op": "create", "clip": clip.pk, "key": str(uuid.uuid4())}
    made, twice = results(api, operation, operation)
    assert (made["status"], twice["status"]) == (201, 400)
    (again,) = results(api, operation)
    assert (again["status"], again["problem"]["current"]["id"]) == (409, made["annotation"]["id"])
    (others,) = results(member(project, "carol", Role.ANNOTATOR), operation)
    assert (others["status"], "current" in others["problem"]) == (409, False)
    assert Annotation.objects.count() == 1


def test_the_rules_of_access_hold(api, project, clip, stored, member):
    carol = member(project, "carol", Role.ANNOTATOR)
    change = {"op": "update", "id": stored["id"], "note": "x"}
    assert [r["status"] for r in results(carol, change)] == [404]  # blind
    assert [r["status"] for r in results(member(project, "rob", Role.RESEARCHER), change)] == [403]
    viewer = member(project, "vera", Role.VIEWER)
    created = {"operations": [{"op": "create", "clip": clip.pk}]}
    assert viewer.post(URL, created).status_code == 403
    done = {"clip": clip, "coder": User.objects.get(username="alice"), "position": 1}
    Assignment.objects.create(**done, done_at="2026-01-01T00:00Z")
    closed = results(api, change, {"op": "create", "clip": clip.pk}, {"op": "delete", "id": stored["id"]})
    assert [r["status"] for r in closed] == [403, 403, 403]
    assert "This clip is done" in closed[0]["problem"]["detail"]


@pytest.mark.parametrize(
    ("operation", "pointer", "code"),
    [
        ({"op": "move"}, "/op", "invalid_value"),
        ({"op": ["create"]}, "/op", "invalid_value"),
        ({"op": "delete"}, "/id", "required"),
        ({"op": "delete", "id": "7"}, "/id", "wrong_type"),
        ({"op": "create", "onset": 1}, "/clip", "required"),
        ({"op": "create", "clip": {"id": 1}}, "/clip", "wrong_type"),
        ({"op": "create", "clip": 10**30}, "/clip", "wrong_type"),
        ({"op": "create", "clip": 1, "key": "no"}, "/key", "invalid_value"),
        ({"op": "create", "clip": 1, "colour": 1}, "/colour", "unknown_field"),
    ],
)
def test_a_wrong_operation_is_refused_with_its_place(api, clip, operation, pointer, code):
    (result,) = results(api, operation)
    assert result["status"] == 400
    assert (f"/operations/0{pointer}", code) in [
        (e["pointer"], e["code"]) for e in result["problem"]["errors"]
    ]


def test_a_request_has_1_to_1000_operations(api, clip):
    for operations in ([], [{"op": "delete", "id": 1}] * 1001, ["x"], "x"):
        assert api.post(URL, {"operations": operations}).status_code == 400


def test_queries_do_not_grow_with_created_annotations(api, clip):
    counts = []
    for number in (1, 1000):
        with CaptureQueriesContext(connection) as asked:
            send(api, *[{"op": "create", "clip": clip.pk, "onset": 1}] * number)
        counts.append(sum("INSERT" not in query["sql"] for query in asked.captured_queries))
    assert counts[0] == counts[1] <= 20
