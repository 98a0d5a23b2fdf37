"""The pages: who sees them, what they show, and how they answer bad input."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.services import freeze
from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Job
from mer_platform.projects.models import ApiToken, Membership, Project, Role
from mer_platform.scoring.models import ScoringBatch
from models_ml.config import RunConfig

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def stranger(client, bob):
    client.force_login(bob)
    return client


@pytest.fixture
def version(project, database, make_clip, alice) -> CompositeVersion:
    for subject in ("s1", "s2"):
        clip = make_clip(f"of {subject}", subject)
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")
    return freeze(project, "Two", [database], {database.name: {"disgust": "negative"}}, alice)


@pytest.fixture
def run(version, alice) -> Run:
    return services.launch(version, RunConfig(), alice)


PAGES = [
    "project",
    "activity",
    "members",
    "clips",
    "upload",
    "database-new",
    "composites",
    "composite-new",
    "experiments",
    "runs",
    "run-new",
    "tags",
    "scoring",
    "batch-new",
    "gallery",
    "webhooks",
    "models",
    "model-import",
]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_a_new_project_opens(browser, project, name):
    assert browser.get(reverse(name, args=[project.slug])).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_a_project_is_hidden_from_strangers(stranger, project, name):
    assert stranger.get(reverse(name, args=[project.slug])).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_visitors_are_asked_to_sign_in(client, project, name):
    answer = client.get(reverse(name, args=[project.slug]))
    assert answer.status_code == 302
    assert "/sign-in/" in answer["Location"]


def test_every_page_of_a_filled_project_opens(browser, project, database, clip, version, run):
    for name, pk in (("clip", clip.pk), ("database", database.pk), ("version", version.pk), ("run", run.pk)):
        assert browser.get(reverse(name, args=[project.slug, pk])).status_code == 200
    for name in PAGES:
        assert browser.get(reverse(name, args=[project.slug])).status_code == 200


@pytest.mark.parametrize("name", ["upload", "composite-new", "run-new", "batch-new", "model-import"])
def test_viewers_get_403_where_only_researchers_may(client, project, bob, name):
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    client.force_login(bob)
    assert client.get(reverse(name, args=[project.slug])).status_code == 403


def test_annotators_do_not_see_others_marks_on_the_clip_page(client, project, clip, alice, bob):
    Annotation.objects.create(clip=clip, coder=alice, onset=11, note="alice wrote this")
    Membership.objects.create(project=project, user=bob, role=Role.ANNOTATOR)
    client.force_login(bob)
    assert (
        "alice wrote this" not in client.get(reverse("clip", args=[project.slug, clip.pk])).content.decode()
    )


@pytest.mark.parametrize("name", ["project", "clips"])
def test_pages_refresh_themselves_only_while_clips_arrive(browser, project, name):
    url = reverse(name, args=[project.slug])
    assert 'hx-trigger="every 2s"' not in browser.get(url).content.decode()
    Job.enqueue("ingest", "ingest", project.pk, "ingest:1", "clip:1", {"clip": 1})
    assert 'hx-trigger="every 2s"' in browser.get(url).content.decode()


def test_a_researcher_adopts_only_a_complete_annotation(browser, project, clip, alice):
    marking = Annotation.objects.create(clip=clip, coder=alice, onset=1, apex=5, offset=9)
    url = reverse("adopt", args=[project.slug, clip.pk, marking.pk])
    assert "Only a complete annotation" in browser.post(url, follow=True).content.decode()
    Annotation.objects.update(emotion="disgust")
    assert "is now the consensus" in browser.post(url, follow=True).content.decode()
    assert Consensus.objects.get(clip=clip).apex == 5


def test_the_page_of_a_failed_clip_gives_the_reason(browser, project, make_clip):
    broken = make_clip("broken", state="failed", problem="The file is a text, not a video.")
    page = browser.get(reverse("clip", args=[project.slug, broken.pk])).content.decode()
    assert "The file is a text, not a video." in page


def test_pages_come_with_a_strict_content_security_policy(browser, project):
    policy = browser.get(reverse("project", args=[project.slug]))["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_builder_previews_the_counts_of_the_map_in_the_form(browser, project, database, version):
    fields = {"database": database.pk, f"map-{database.pk}-1": ""}
    page = browser.get(reverse("composite-new", args=[project.slug]), fields, headers={"HX-Request": "true"})
    assert "left out by the label map" in page.content.decode()


def test_the_builder_freezes_what_it_shows(browser, project, database, version):
    fields = {"name": "Mine", "database": database.pk, f"map-{database.pk}-1": "surprise"}
    answer = browser.post(reverse("composite-new", args=[project.slug]), fields)
    frozen = CompositeVersion.objects.get(composite__name="Mine")
    assert answer["Location"] == reverse("version", args=[project.slug, frozen.pk])
    assert set(frozen.samples.values_list("label", flat=True)) == {"surprise"}


def test_the_builder_asks_for_a_database(browser, project, version):
    answer = browser.post(reverse("composite-new", args=[project.slug]), {"name": "Empty"})
    assert answer.status_code == 422
    assert "Choose at least one database" in answer.content.decode()


def run_form(browser, project, **changed):
    page = browser.get(reverse("run-new", args=[project.slug]))
    form = page.context["form"]
    fields = {name: form[name].value() for name in form.fields}
    fields = {name: value for name, value in fields.items() if value is not None and value is not False}
    return {**fields, "version": CompositeVersion.objects.get().pk, **changed}


def test_the_run_form_launches_the_defaults(browser, project, version):
    answer = browser.post(reverse("run-new", args=[project.slug]), run_form(browser, project))
    assert answer["Location"] == reverse("run", args=[project.slug, Run.objects.get().pk])
    assert Run.objects.get().settings == RunConfig()


@pytest.mark.parametrize(
    ("kernels", "words"),
    [
        ("2, 9", "Kernel 9 is larger than the"),
        ("2, x", "is not a whole number"),
        ("2, ²", "is not a whole number"),
        ("", "required"),
    ],
)
def test_the_run_form_finds_wrong_kernels_while_it_is_filled_in(browser, project, version, kernels, words):
    fields = run_form(browser, project, **{"net-kernels": kernels})
    checked = browser.post(reverse("run-new", args=[project.slug]), fields, headers={"HX-Request": "true"})
    assert words in checked.content.decode()
    assert browser.post(reverse("run-new", args=[project.slug]), fields).status_code == 422
    assert not Run.objects.exists()


def test_a_run_is_cancelled_from_its_page(browser, project, run):
    browser.post(reverse("cancel-run", args=[project.slug, run.pk]))
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED


def test_a_run_without_scores_has_no_figures(browser, project, run):
    assert browser.get(reverse("figure", args=[project.slug, run.pk, "confusion"])).status_code == 404
    scores = reverse("compare-figure", args=[project.slug, "scores"])
    assert browser.get(scores).status_code == 404
    assert browser.get(scores, {"run": run.pk}).status_code == 404


@pytest.mark.parametrize("number", ["²", "-1", "x", "9" * 5000])
def test_malformed_ids_find_nothing(browser, project, version, number):
    for name, field in (("run-new", "like"), ("batch-new", "clip"), ("batch-new", "model")):
        assert browser.get(reverse(name, args=[project.slug]), {field: number}).status_code == 200
    assert browser.get(reverse("compare-runs", args=[project.slug]), {"run": number}).status_code == 422
    scores = reverse("compare-figure", args=[project.slug, "scores"])
    assert browser.get(scores, {"run": number}).status_code == 404


def test_annotators_do_not_see_the_marks_of_a_frozen_version(client, project, version, bob):
    Membership.objects.create(project=project, user=bob, role=Role.ANNOTATOR)
    client.force_login(bob)
    page = client.get(reverse("version", args=[project.slug, version.pk])).content.decode()
    assert "Two v1" in page
    assert 'id="samples"' not in page
    assert client.get(f"/api/v1/composite-versions/{version.pk}/samples/").status_code == 403


def test_scoring_requires_a_model_and_clips(browser, project, clip):
    answer = browser.post(reverse("batch-new", args=[project.slug]), {"clip": clip.pk})
    assert answer.status_code == 422
    assert not ScoringBatch.objects.exists()


def test_a_new_token_is_shown_once(browser):
    page = browser.post(reverse("tokens"), {"name": "script"}).content.decode()
    prefix = ApiToken.objects.get().prefix
    assert page.count(prefix) >= 1
    assert "Copy it now" in page
    assert "Copy it now" not in browser.get(reverse("tokens")).content.decode()


def test_an_owner_adds_a_new_person_and_sees_the_password_once(browser, client, project):
    page = browser.post(reverse("members", args=[project.slug]), {"username": "carol", "role": "annotator"})
    password = page.context["password"]
    assert password in page.content.decode()
    assert client.login(username="carol", password=password)


def test_the_last_owner_cannot_give_up_the_role(browser, project, alice):
    own = project.memberships.get(user=alice)
    browser.post(reverse("member-role", args=[project.slug, own.pk]), {"role": "viewer"})
    own.refresh_from_db()
    assert own.role == Role.OWNER


def test_projects_with_the_same_name_get_different_addresses(browser):
    for _ in range(2):
        browser.post(reverse("home"), {"name": "Lab", "description": ""})
    assert sorted(Project.objects.values_list("slug", flat=True)) == ["lab", "lab-2"]


def test_it_protects_a_clip_of_a_frozen_version_from_deletion(browser, project, version):
    clip = version.samples.first().clip
    page = browser.post(reverse("clip-delete", args=[project.slug, clip.pk]), follow=True)
    assert "Cannot delete" in page.content.decode()
