"""Names, notes, tags, stars and archiving of runs and experiments through the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Database
from mer_platform.composites.services import freeze
from mer_platform.experiments import services
from mer_platform.experiments.models import Experiment, Run, Tag
from mer_platform.projects.models import AuditEvent, Membership, Role
from models_ml.config import SweepConfig
from tests.api.finished_runs import finished
from tests.api.problems import errors_of, field_errors

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]

RUNS = "/api/v1/runs/"
EXPERIMENTS = "/api/v1/experiments/"
TAGS = "/api/v1/tags/"


@pytest.fixture
def version(project, database, make_clip, alice):
    for number in range(3):
        clip = make_clip(f"clip {number}", f"s{number}")
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")
    return freeze(project, "Three", [database], {database.name: {"disgust": "negative"}}, alice)


@pytest.fixture
def run(version, alice) -> Run:
    return finished(version, [0, 0, 1], alice)


@pytest.fixture
def sweep(version, alice) -> Experiment:
    settings = SweepConfig(grid={"net.placement": [1, 2]}, seeds=(0, 1))
    return services.launch_experiment(version, settings, alice, "Positions")


@pytest.fixture
def foreign(other_project, bob, make_clip) -> Run:
    theirs = Database.objects.create(project=other_project, name="Theirs", emotions=["disgust"], fps=200)
    for subject in ("s1", "s2"):
        clip = make_clip("one", subject, theirs)
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")
    made = freeze(other_project, "One", [theirs], {"Theirs": {"disgust": "negative"}}, bob)
    experiment = Experiment.objects.create(
        project=other_project, version=made, name="Theirs", sweep={}, queue="training"
    )
    return Run.objects.create(
        project=other_project, version=made, experiment=experiment, name="Theirs", config={}, config_hash="x"
    )


def change(api, row, **data):
    where = RUNS if isinstance(row, Run) else EXPERIMENTS
    return api.patch(f"{where}{row.pk}/", data)


def test_a_run_is_renamed_noted_on_tagged_and_starred_at_once(api, run):
    note = "Learning rate too high?\n\nTry 0.001."
    answer = change(api, run, name="  Base\n line ", notes=note, tags=["MEGC", "draft"], starred=True)
    assert answer.status_code == 200, answer.json()
    found = api.get(f"{RUNS}{run.pk}/").json()
    assert found == answer.json() | {"seconds": found["seconds"]}
    assert (found["name"], found["notes"], found["tags"]) == ("Base line", note, ["draft", "MEGC"])
    assert (found["starred"], found["archived"], found["archived_at"]) == (True, False, None)
    actions = list(AuditEvent.objects.order_by("-pk").values_list("action", flat=True)[:4])
    assert actions[0] == f"starred run #{run.pk} Base line"
    assert actions[1] == f"set the tags of run #{run.pk} Base line to “MEGC” and “draft”"
    assert actions[2] == f"wrote the note on run #{run.pk} Base line"
    assert actions[3].endswith("to “Base line”")


def test_the_experiment_of_a_single_run_is_renamed_with_it(api, run, sweep):
    change(api, run, name="Base")
    assert Experiment.objects.get(pk=run.experiment_id).name == "Base"
    change(api, sweep, name="Where to pool")
    assert "Where to pool" not in sweep.runs.values_list("name", flat=True)


def test_what_did_not_change_is_not_recorded(api, run):
    change(api, run, name="Base", notes="One", tags=["a"], starred=True, archived=True)
    before = AuditEvent.objects.count()
    version = api.get(f"{RUNS}{run.pk}/").json()["notes_version"]
    change(api, run, name="Base", notes="One", notes_version=version, tags=["A"], starred=True, archived=True)
    assert AuditEvent.objects.count() == before


def test_a_newer_note_is_not_overwritten(api, run, sweep):
    for row in (run, sweep):
        first = change(api, row, notes="First").json()
        change(api, row, notes="Second", notes_version=first["notes_version"])
        refused = change(api, row, notes="Mine", notes_version=first["notes_version"], starred=True)
        assert refused.status_code == 409
        assert refused.json()["notes"] == "Second"
        assert "was changed since you opened it" in refused.json()["detail"]
        row.refresh_from_db()
        assert (row.notes, row.starred) == ("Second", False)
        blind = change(api, row, notes="Mine")
        assert blind.status_code == 400
        assert list(field_errors(blind)) == ["/notes_version"]
        current = refused.json()["notes_version"]
        assert change(api, row, notes="", notes_version=current).json()["notes"] == ""


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("name", " \n ", "empty"),
        ("name", "x" * 121, "at most 120 characters; this one has 121"),
        ("name", 12, "Must be a text"),
        ("name", "a\u0007b", "U+0007"),
        ("notes", "x" * 10_001, "at most 10,000 characters"),
        ("notes", ["a"], "Must be a text"),
        ("tags", "draft", "list"),
        ("tags", [""], "empty"),
        ("tags", ["a, b"], "comma"),
        ("tags", ["x" * 41], "at most 40 characters"),
        ("tags", [f"t{n}" for n in range(21)], "At most 20 tags"),
        ("tags", [1], "Must be a text"),
        ("starred", 1, "true or false"),
        ("starred", "yes", "true or false"),
        ("archived", None, "null"),
        ("state", "finished", "no such field"),
        ("archived_at", None, "no such field"),
    ],
)
def test_bad_changes_are_refused_in_words_and_change_nothing(api, run, field, value, reason):
    refused = change(api, run, **{"starred": True, field: value})
    assert refused.status_code == 400
    assert reason in str(errors_of(refused, field)), refused.json()
    run.refresh_from_db()
    assert not run.starred


def test_half_a_character_is_refused(api, run):
    body = '{"name": "a\\ud800"}'
    refused = api.generic("PATCH", f"{RUNS}{run.pk}/", body, content_type="application/json")
    assert refused.status_code == 400
    assert "halves of characters" in refused.json()["detail"]


def test_viewers_see_but_do_not_change_and_strangers_find_nothing(api, bobs_api, member, project, run):
    change(api, run, notes="Read me", tags=["a"])
    viewer = member(project, "vera", Role.VIEWER)
    assert viewer.get(f"{RUNS}{run.pk}/").json()["notes"] == "Read me"
    assert viewer.get(TAGS).json()["count"] == 1
    assert change(viewer, run, starred=True).status_code == 403
    assert viewer.post(f"{RUNS}bulk/", {"ids": [run.pk], "action": "star"}).status_code == 403
    assert change(bobs_api, run, starred=True).status_code == 404
    tag = Tag.objects.get()
    assert viewer.patch(f"{TAGS}{tag.pk}/", {"name": "b"}).status_code == 403
    assert bobs_api.get(TAGS).json()["count"] == 0
    assert bobs_api.delete(f"{TAGS}{tag.pk}/").status_code == 404


def test_lists_leave_out_what_is_archived_unless_asked(api, run, sweep):
    change(api, run, archived=True)
    change(api, sweep, archived=True)
    assert (api.get(RUNS).json()["count"], api.get(EXPERIMENTS).json()["count"]) == (0, 1)
    assert api.get(f"{RUNS}?archived=true").json()["count"] == 5  # an experiment takes its runs along
    assert api.get(f"{RUNS}?archived=any").json()["count"] == 5
    assert api.get(f"{RUNS}?archived=maybe").status_code == 400
    assert api.get(f"{RUNS}{run.pk}/").json()["archived"] is True
    change(api, sweep, archived=False)
    assert api.get(RUNS).json()["count"] == 4  # and brings back only its own
    assert api.get(f"{RUNS}compare/?run={run.pk}&run={run.pk}").status_code in (200, 400)


def test_lists_filter_by_tag_star_and_author(api, run, sweep):
    one, two, *_ = sweep.runs.order_by("pk")
    change(api, one, tags=["draft", "MEGC"], starred=True)
    change(api, two, tags=["Draft"])
    assert ids(api.get(f"{RUNS}?tag=DRAFT")) == {one.pk, two.pk}
    assert ids(api.get(f"{RUNS}?tag=draft&tag=megc")) == {one.pk}
    assert ids(api.get(f"{RUNS}?starred=true")) == {one.pk}
    assert api.get(f"{RUNS}?starred=2").status_code == 400
    assert api.get(f"{RUNS}?author=alice").json()["count"] == 5
    assert api.get(f"{RUNS}?author=bob").json()["count"] == 0
    assert Tag.objects.count() == 2  # “Draft” is the tag “draft”
    assert ids(api.get(f"{EXPERIMENTS}?state=running")) == {sweep.pk}
    assert api.get(f"{EXPERIMENTS}?state=unknown").status_code == 400


def ids(answer) -> set[int]:
    return {row["id"] for row in answer.json()["results"]}


def test_many_runs_are_tagged_in_one_request_and_one_line(api, sweep, django_assert_max_num_queries):
    runs = list(sweep.runs.order_by("pk"))
    change(api, runs[0], tags=["draft"])
    with django_assert_max_num_queries(20):
        answer = api.post(f"{RUNS}bulk/", bulk(runs, "tag", ["draft"])).json()
    assert answer["changed"] == [run.pk for run in runs[1:]]
    assert answer["skipped"] == [{"id": runs[0].pk, "reason": "These tags are there already."}]
    assert AuditEvent.objects.order_by("pk").last().action == "put the tag “draft” on 3 runs"
    assert len(api.post(f"{RUNS}bulk/", bulk(runs, "untag", ["Draft"])).json()["changed"]) == 4
    for action in ("star", "unstar", "archive", "restore"):
        assert len(api.post(f"{RUNS}bulk/", bulk(runs, action)).json()["changed"]) == 4, action
    assert api.post(f"{EXPERIMENTS}bulk/", bulk([sweep], "star")).json()["changed"] == [sweep.pk]


def bulk(rows, action, tags=None):
    return {"ids": [row.pk for row in rows], "action": action} | ({"tags": tags} if tags else {})


def test_unknown_runs_are_all_named_and_nothing_changes(api, run, foreign):
    wanted = {"ids": [run.pk, 90_001, foreign.pk, 90_002], "action": "star"}
    refused = api.post(f"{RUNS}bulk/", wanted)
    assert refused.status_code == 400
    listed = f"Runs {foreign.pk}, 90001 and 90002 not found in your projects. Nothing was changed."
    assert errors_of(refused, "ids") == [listed]
    run.refresh_from_db()
    assert not run.starred


def test_runs_of_two_projects_are_not_changed_together(api, alice, run, foreign):
    Membership.objects.create(project=foreign.project, user=alice, role=Role.RESEARCHER)
    refused = api.post(f"{RUNS}bulk/", bulk([run, foreign], "star"))
    assert "different projects" in errors_of(refused, "ids")[0]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"ids": [], "action": "star"}, "ids"),
        ({"ids": "1", "action": "star"}, "ids"),
        ({"ids": [10**30], "action": "star"}, "ids"),
        ({"ids": list(range(1, 1002)), "action": "star"}, "ids"),
        ({"ids": [1], "action": "explode"}, "action"),
        ({"ids": [1], "action": "tag"}, "tags"),
        ({"ids": [1], "action": "star", "tags": ["a"]}, "tags"),
        ([1], ""),
    ],
)
def test_bad_bulk_requests_are_refused(api, run, data, field):
    refused = api.post(f"{RUNS}bulk/", data)
    assert refused.status_code == 400
    assert errors_of(refused, field), refused.json()


def test_a_run_has_at_most_twenty_tags(api, run):
    change(api, run, tags=[f"t{n}" for n in range(20)])
    refused = api.post(f"{RUNS}bulk/", bulk([run], "tag", ["more"]))
    assert "more than 20 tags" in errors_of(refused, "tags")[0]
    assert not Tag.objects.filter(name="more").exists()


def test_tags_are_renamed_merged_and_deleted_on_all_that_has_them(api, run, sweep):
    change(api, run, tags=["draft", "old"])
    change(api, sweep, tags=["old"])
    draft, old = Tag.objects.order_by("name")
    assert [(t["name"], t["runs"], t["experiments"]) for t in api.get(TAGS).json()["results"]] == [
        ("draft", 1, 0),
        ("old", 1, 1),
    ]
    assert api.patch(f"{TAGS}{draft.pk}/", {"name": "Draft"}).json()["name"] == "Draft"
    taken = api.patch(f"{TAGS}{old.pk}/", {"name": "DRAFT"})
    assert taken.status_code == 409
    assert taken.json()["tag"] == draft.pk
    assert api.patch(f"{TAGS}{old.pk}/", {"name": ""}).status_code == 400
    assert api.post(f"{TAGS}{old.pk}/merge/", {"into": old.pk}).status_code == 400
    assert api.post(f"{TAGS}{old.pk}/merge/", {"into": 90_000}).status_code == 400
    assert api.post(f"{TAGS}{old.pk}/merge/", {"into": draft.pk}).json()["experiments"] == 1
    assert api.get(f"{RUNS}{run.pk}/").json()["tags"] == ["Draft"]
    assert api.delete(f"{TAGS}{draft.pk}/").status_code == 204
    assert api.get(f"{EXPERIMENTS}{sweep.pk}/").json()["tags"] == []


def test_a_foreign_tag_cannot_be_merged_into(api, run, foreign):
    mine = Tag.objects.create(project=run.project, name="a")
    theirs = Tag.objects.create(project=foreign.project, name="a")
    assert api.post(f"{TAGS}{mine.pk}/merge/", {"into": theirs.pk}).status_code == 400


def test_the_tags_of_a_list_take_one_query(api, sweep):
    for run in sweep.runs.all():
        change(api, run, tags=["a", f"t{run.pk}"])
    with CaptureQueriesContext(connection) as queries:
        api.get(RUNS)
    assert sum("experiments_run_tags" in query["sql"] for query in queries) == 1
