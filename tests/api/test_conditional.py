"""Nothing is overwritten unseen, and nothing is sent twice: ETags, ``If-None-Match`` and ``If-Match``."""

import gzip
from typing import Any

import pytest
from rest_framework.test import APIClient

from mer_platform.clips.models import Subject
from mer_platform.composites.models import Sample
from mer_platform.projects.models import Role
from tests.api.api_schema import operations
from tests.api.list_lab import ListLab

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def lab(alice, project) -> ListLab:
    return ListLab(alice, project)


@pytest.fixture
def run(lab) -> str:
    return f"/api/v1/runs/{lab.run.pk}/"


def if_match(tag: str) -> dict[str, str]:
    return {"If-Match": tag}


def test_an_answer_that_the_client_has_is_not_sent_again(api, run):
    first = api.get(run)
    again = api.get(run, headers={"If-None-Match": f'"other", W/{first["ETag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Cache-Control"] == "private, no-cache"
    assert api.get(run, headers={"If-None-Match": "*"}).status_code == 304
    api.patch(run, {"name": "renamed"})
    assert api.get(run, headers={"If-None-Match": first["ETag"]}).json()["name"] == "renamed"


def test_a_change_that_is_based_on_the_current_state_is_made(api, run):
    tag = api.get(run)["ETag"]
    changed = api.patch(run, {"name": "first"}, headers=if_match(f'"other", {tag}'))
    assert changed.status_code == 200
    assert changed["Content-Location"] == f"http://testserver{run}"
    assert changed["ETag"] == api.get(run)["ETag"] != tag
    assert api.patch(run, {"name": "second"}, headers=if_match(changed["ETag"])).status_code == 200
    assert api.patch(run, {"name": "third"}, headers=if_match("*")).status_code == 200


def test_a_change_that_is_based_on_another_state_is_refused_with_the_current_one(api, run):
    tag = api.get(run)["ETag"]
    api.patch(run, {"name": "theirs"})
    refused = api.patch(run, {"name": "mine"}, headers=if_match(tag))
    assert refused.status_code == 412
    assert refused.json()["current"]["name"] == api.get(run).json()["name"] == "theirs"
    assert refused.json()["etag"] == api.get(run)["ETag"]
    assert api.delete(run, headers=if_match(tag)).status_code == 412
    assert api.post(f"{run}cancel/", headers=if_match(tag)).status_code == 412
    assert api.delete(run, headers=if_match(refused.json()["etag"])).status_code == 204


def test_a_weak_tag_never_matches_for_a_change(api, run):
    tag = api.get(run)["ETag"]
    assert api.patch(run, {"name": "mine"}, headers=if_match(f"W/{tag}")).status_code == 412


@pytest.mark.parametrize("text", ["1", "abc", '"open', "''"])
def test_a_header_that_names_no_tag_is_refused(api, run, text):
    refused = api.patch(run, {"name": "mine"}, headers=if_match(text))
    assert refused.status_code == 400
    assert "ETags in double quotes" in refused.json()["detail"]


def test_a_change_can_require_that_something_is_no_longer_as_it_was(api, run):
    tag = api.get(run)["ETag"]
    assert api.patch(run, {"name": "mine"}, headers={"If-None-Match": tag}).status_code == 412
    assert api.patch(run, {"name": "mine"}, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_change_can_be_based_on_single_fields(api, lab, run):
    tag = api.get(f"{run}?fields=name")["ETag"]
    lab.run.error = "progress in the meantime"
    lab.run.save()
    assert api.patch(f"{run}?fields=name", {"name": "mine"}, headers=if_match(tag)).status_code == 200


def test_access_is_checked_before_the_state(api, lab, run, member, bobs_api):
    viewer = member(lab.project, "vera", Role.VIEWER)
    assert viewer.patch(run, {"name": "mine"}, headers=if_match('"other"')).status_code == 403
    assert bobs_api.patch(run, {"name": "mine"}, headers=if_match('"other"')).status_code == 404


def test_a_compressed_answer_has_a_strong_tag_of_its_own(api, run):
    plain = api.get(run)
    packed = api.get(run, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.content) == plain.content
    assert packed["ETag"] == f'{plain["ETag"][:-1]}-gzip"'
    again = api.get(run, headers={"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]})
    assert (again.status_code, again["ETag"]) == (304, packed["ETag"])
    assert api.patch(run, {"name": "mine"}, headers=if_match(packed["ETag"])).status_code == 200


CHANGES: dict[str, Any] = {
    "databases": {"name": "SMIC"},
    "projects": {"name": "Ours"},
    "saved-views": {"name": "Ours"},
}
CHANGES |= {"members": {"role": "annotator"}}
CHANGES |= {"composites": {"description": "Ours"}}
CHANGES |= {"tags": {"name": "ours"}, "runs": {"name": "ours"}, "experiments": {"name": "ours"}}
CHANGES |= {"annotations": {"note": "ours"}, "clips": {"fps": 100}, "models": {"name": "ours"}}
CHANGES |= {"scoring-batches": {"name": "ours"}, "webhooks": {"description": "ours"}}


def test_all_that_can_be_changed_or_deleted_follows_if_match(api, lab, subtests):
    for path, (address, add) in lab.lists().items():
        kind = path.split("/")[-2]
        methods = {method for at, method, _ in operations() if at == f"{path}{{id}}/"}
        if kind in ("uploads", "import-folders") or not methods & {"patch", "delete"}:
            continue
        with subtests.test(kind):
            one = f"{address}{add().pk}/"
            found = api.get(one)
            if "patch" in methods:
                assert api.patch(one, CHANGES[kind], headers=if_match('"other"')).status_code == 412
                if kind == "clips":
                    continue  # its change needs frames
                changed = api.patch(one, CHANGES[kind], headers=if_match(found["ETag"]))
                assert changed.status_code == 200, changed.content
                found = api.get(one)
                assert changed["ETag"] == found["ETag"]
            if "delete" in methods:
                assert api.delete(one, headers=if_match('"other"')).status_code == 412
                deleted = api.delete(one, headers=if_match(found["ETag"]))
                assert deleted.status_code in (204, 409), deleted.content


def test_what_is_made_says_where_it_is_and_which_state_it_has(api, lab):
    made = api.post("/api/v1/databases/", {"project": lab.project.pk, "name": "SMIC"})
    assert made.status_code == 201
    assert made["Location"] == made["Content-Location"] == made.json()["url"]
    assert made["ETag"] == api.get(made["Location"])["ETag"]


def test_what_is_queued_says_where_to_look_and_when(api: APIClient, lab):
    version, project = lab.version.pk, lab.project.pk
    lab.subject = Subject.objects.create(database=lab.database, name="sub02")
    Sample.objects.filter(pk=lab.a_sample().pk).update(subject="sub02")
    queued = {
        "/api/v1/feature-exports/": {"version": version},
        f"/api/v1/composite-versions/{version}/features/": {},
        "/api/v1/runs/": {"version": version},
        "/api/v1/experiments/": {"version": version},
        f"/api/v1/clips/{lab.clip.pk}/turn/": {"degrees": 90},
        f"/api/v1/projects/{project}/spot/": {},
    }
    for address, body in queued.items():
        answer = api.post(address, body)
        assert answer.status_code == 202, (address, answer.content)
        assert answer["Location"] == answer.json()["url"], address
        assert answer["Retry-After"] == "2"
        assert answer.json()["page_url"].startswith("http://testserver/projects/")
        shown = api.get(answer["Location"])
        assert shown.status_code == 200
        if "Content-Location" in answer:
            assert shown["ETag"] == answer["ETag"], address
