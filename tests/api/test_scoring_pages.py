"""The pages of scoring: starting a batch, watching it, and sending doubtful clips to coders."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Clip, Subject
from mer_platform.experiments.models import Prediction
from mer_platform.projects.models import Membership, Role
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring import services
from mer_platform.scoring.doubt import DoubtCriteria, Measure, plan_doubtful
from mer_platform.scoring.models import ScoringBatch
from mer_platform.scoring.saved_labels import saved_labels
from models_ml.config import RunConfig
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures
from tests.trained_models import model_of

pytestmark = pytest.mark.django_db
CLASSES = ["negative", "positive", "surprise"]


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def model(project) -> ModelVersion:
    return ModelVersion.objects.create(
        project=project, name="Small", config=RunConfig().model_dump(mode="json"), file="models/x.safetensors",
        sha256="0" * 64, classes=CLASSES, features_hash="f" * 64,
    )  # fmt: skip


@pytest.fixture
def clips(database) -> list[Clip]:
    """130 ready clips of two subjects."""
    subjects = [Subject.objects.create(database=database, name=f"sub{n}") for n in (1, 2)]
    return Clip.objects.bulk_create(
        Clip(
            project=database.project, subject=subjects[n % 2], name=f"c{n:03}", sha256=f"{n:064x}",
            file=f"clips/{n}.mp4", original_name="c.mp4", size=1, state="ready", frame_count=50, fps="200/1",
            face_frames=[[0, 49]],
        )
        for n in range(130)
    )  # fmt: skip


@pytest.fixture
def batch(model, clips, alice) -> ScoringBatch:
    """A finished batch of 120 clips: the doubt grows with the number of the clip; the last two failed."""
    made = services.start_batch(model, [services.WantedClip(clip) for clip in clips[:120]], alice)
    for number, item in enumerate(made.items.order_by("pk")):
        share = number / 120
        item.state, item.outcome, item.predicted = "done", "expression", CLASSES[number % 3]
        item.probabilities = dict(zip(CLASSES, (1 - share * 0.6, share * 0.3, share * 0.3), strict=True))
        item.confidence, item.margin, item.entropy = 1 - share * 0.6, 1 - share * 0.9, share
        item.spotter_confidence, item.onset, item.apex, item.frames_from = share, 3, 9, "spotted"
        item.waits_for, item.finished_at = "", timezone.now()
        if number >= 118:
            item.state, item.error, item.error_code = "failed", "No face was found in the clip.", "no_face"
            item.confidence = item.margin = item.entropy = item.probabilities = None
        if number == 5:
            item.warnings = [{"code": "fps_out_of_range", "detail": "30 fps is below the training data."}]
        if number == 6:
            item.outcome = "no_expression"
        item.save()
    ScoringBatch.objects.update(state="done", finished_at=timezone.now())
    return ScoringBatch.objects.get(pk=made.pk)


def at(name: str, batch: ScoringBatch, *more: object) -> str:
    return reverse(name, args=[batch.project.slug, batch.pk, *more])


def names(page) -> list[str]:
    return [row["item"].clip.name for row in page.context["rows"]]


def start(browser, project, **fields):
    return browser.post(reverse("batch-new", args=[project.slug]), fields)


def test_all_matching_clips_are_scored_without_listing_them(browser, project, model, clips, database):
    page = browser.get(reverse("batch-new", args=[project.slug]))
    assert page.content.decode().count('name="clip"') == 50
    answer = start(
        browser, project, model=model.pk, scope="matching", search="sub1", name="Ones", database=database.pk
    )
    made = ScoringBatch.objects.get()
    assert answer["Location"] == at("batch", made)
    assert (made.name, made.items.count()) == ("Ones", 65)


def test_only_the_ticked_clips_are_scored(browser, project, model, clips):
    start(browser, project, model=model.pk, scope="picked", clip=[clips[0].pk, clips[3].pk], priority=4)
    made = ScoringBatch.objects.get()
    assert {item.clip_id for item in made.items.all()} == {clips[0].pk, clips[3].pk}
    assert made.priority == 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scope": "picked"}, "Choose at least one clip."),
        ({"scope": "matching", "search": "nothing like this"}, "Choose at least one clip."),
        ({"scope": "matching", "model": "999"}, "Choose a model."),
        ({"scope": "matching", "calibrated": "on"}, "has no temperature"),
        ({"scope": "matching", "priority": "99"}, "less than or equal to 10"),
    ],
)
def test_the_form_says_what_is_missing(browser, project, model, clips, fields, words):
    answer = start(browser, project, **{"model": model.pk, **fields})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ScoringBatch.objects.exists()


def test_more_clips_than_a_batch_may_have_are_refused(browser, project, model, clips, monkeypatch):
    monkeypatch.setattr("mer_platform.scoring.starting.MOST", 100)
    answer = start(browser, project, model=model.pk, scope="matching")
    assert "at most 100 clips, and 130 match" in answer.content.decode()


def test_new_files_are_stored_and_scored(browser, project, model):
    file = SimpleUploadedFile("new.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 200, "video/mp4")
    address = reverse("batch-files", args=[project.slug])
    answer = browser.post(address, {"model": model.pk, "files": [file], "new_database": "Fresh"})
    made = ScoringBatch.objects.get()
    assert answer["Location"] == at("batch", made)
    item = made.items.get()
    assert (item.clip.database.name, item.waits_for) == ("Fresh", "clip")


def test_files_that_cannot_be_scored_are_said(browser, project, model):
    address = reverse("batch-files", args=[project.slug])
    page = browser.post(address, {"model": model.pk}, follow=True).content.decode()
    assert "Choose at least one file." in page
    empty = SimpleUploadedFile("empty.mp4", b"")
    page = browser.post(address, {"model": model.pk, "files": [empty]}, follow=True).content.decode()
    assert 'class="alert is-error"' in page
    assert not ScoringBatch.objects.exists()


def test_the_page_shows_one_page_of_items_in_the_same_queries(browser, batch, model, clips, alice):
    small = services.start_batch(model, [services.WantedClip(clips[0])], alice)
    counts = []
    for one in (small, batch):
        with CaptureQueriesContext(connection) as queries:
            page = browser.get(at("batch", one))
        counts.append(len(queries))
    assert len(page.context["rows"]) == 50
    assert counts[1] <= counts[0]
    with CaptureQueriesContext(connection) as queries:
        browser.get(reverse("scoring", args=[batch.project.slug]))
    few = len(queries)
    for _ in range(8):
        services.start_batch(model, [services.WantedClip(clips[0])], alice)
    with CaptureQueriesContext(connection) as queries:
        browser.get(reverse("scoring", args=[batch.project.slug]))
    assert len(queries) <= few


def test_items_are_sorted_and_filtered(browser, batch):
    address = at("batch", batch)
    assert names(browser.get(address, {"sort": "entropy", "order": "desc"}))[:2] == ["c117", "c116"]
    assert names(browser.get(address, {"sort": "confidence"}))[:2] == ["c117", "c116"]
    assert names(browser.get(address, {"state": "failed"})) == ["c118", "c119"]
    assert names(browser.get(address, {"flag": "warnings"})) == ["c005"]
    assert names(browser.get(address, {"flag": "no_expression"})) == ["c006"]
    assert set(names(browser.get(address, {"predicted": "surprise"}))) >= {"c002"}
    assert len(names(browser.get(address, {"sort": "nonsense", "predicted": "x", "page": "99"}))) == 20


def test_marks_errors_and_downloads_are_on_the_page(browser, batch):
    page = browser.get(at("batch", batch)).content.decode()
    assert "30 fps is below the training data." in page
    assert "no expression found" in page
    assert "results.parquet" in page
    assert f"/clips/{batch.items.first().clip_id}/?frame=9" in page
    assert (
        "No face was found in the clip."
        in browser.get(at("batch", batch), {"state": "failed"}).content.decode()
    )


def test_a_batch_is_renamed_tried_again_cancelled_and_deleted(browser, batch):
    browser.post(at("batch-change", batch), {"name": "Renamed"})
    batch.refresh_from_db()
    assert batch.title == "Renamed"
    assert "Try 2 failed or cancelled clips again" in browser.get(at("batch", batch)).content.decode()
    browser.post(at("batch-action", batch, "retry"))
    assert batch.items.filter(state="waiting").count() == 2
    page = browser.get(at("batch", batch)).content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert "118 of 120 clips" in " ".join(page.split())
    browser.post(at("batch-action", batch, "cancel"))
    assert batch.items.filter(state="cancelled").count() == 2
    assert "120 scores" in browser.get(at("batch-delete", batch)).content.decode()
    browser.post(at("batch-delete", batch))
    assert not ScoringBatch.objects.exists()
    assert Clip.objects.count() == 130


def test_viewers_look_and_change_nothing(client, batch, bob):
    Membership.objects.create(project=batch.project, user=bob, role=Role.VIEWER)
    client.force_login(bob)
    page = client.get(at("batch", batch)).content.decode()
    assert "Code doubtful clips" not in page
    assert "?frame=" in page  # spotted frames are no one's marks
    for name, more in (
        ("batch-change", ()),
        ("batch-action", ("cancel",)),
        ("batch-delete", ()),
        ("batch-doubt", ()),
    ):
        assert client.post(at(name, batch, *more)).status_code == 403
    for name in ("batch-delete", "batch-doubt", "batch-saved"):
        assert client.get(at(name, batch)).status_code == 403
    assert client.post(reverse("batch-files", args=[batch.project.slug])).status_code == 403
    Membership.objects.all().delete()
    for name in ("batch", "batch-delete", "batch-doubt", "batch-saved"):
        assert client.get(at(name, batch)).status_code == 404


def test_predictions_are_hidden_from_those_who_still_have_to_code(browser, api, batch, alice):
    clip = batch.items.get(clip__name="c010").clip
    Assignment.objects.create(clip=clip, coder=alice)
    page = browser.get(at("batch", batch)).content.decode()
    assert page.count("Hidden until you have coded the clip") == 1
    assert "c010" not in names(browser.get(at("batch", batch), {"sort": "confidence", "order": "desc"}))
    url = f"/api/v1/scoring-batches/{batch.pk}/"
    [item] = api.get(f"{url}items/?clip={clip.pk}").json()["results"]
    assert item["probabilities"] is item["predicted"] is item["entropy"] is item["confidence"] is None
    predicted = batch.items.get(clip=clip).predicted
    assert api.get(f"{url}items/?clip={clip.pk}&predicted={predicted}").json()["results"] == []
    lines = b"".join(api.get(f"{url}results.csv").streaming_content).decode().splitlines()
    [row] = [line for line in lines if "c010" in line]
    assert predicted not in row


class TestDoubt:
    """Sending doubtful clips to coders."""

    @pytest.fixture
    def carol(self, project, django_user_model):
        user = django_user_model.objects.create_user("carol")
        Membership.objects.create(project=project, user=user, role=Role.ANNOTATOR)
        return user

    def assign(self, api, batch, **fields):
        body = {"measure": "entropy", "number": 3, "coders": ["carol"], **fields}
        return api.post(f"/api/v1/scoring-batches/{batch.pk}/assign/", body)

    def queue(self, coder) -> list[str]:
        return [row.clip.name for row in Assignment.objects.filter(coder=coder).order_by("position")]

    def test_the_most_doubtful_clips_come_first_in_the_queue(self, api, batch, carol):
        answer = self.assign(api, batch)
        assert answer.status_code == 201, answer.content
        assert answer.json()["clips"] == 3
        assert answer.json()["per_coder"] == {"carol": 3}
        assert self.queue(carol) == ["c117", "c116", "c115"]
        assert Assignment.objects.first().note == f"From Batch {batch.pk}, the largest entropy first"
        self.assign(api, batch, number=2)  # those are assigned already: the next ones follow
        assert self.queue(carol)[3:] == ["c114", "c113"]

    def test_each_measure_has_its_order_and_side_of_the_threshold(self, api, batch, carol):
        preview = {"preview": True, "number": None}
        for measure, threshold, clips in (
            ("entropy", 0.9, 10),
            ("margin", 0.2, 11),
            ("spotter_confidence", 0.05, 7),
        ):
            fields = {"measure": measure, "threshold": threshold, **preview}
            del fields["number"]
            answer = api.post(f"/api/v1/scoring-batches/{batch.pk}/assign/", {"coders": ["carol"], **fields})
            assert (answer.status_code, answer.json()["clips"]) == (200, clips), measure
        assert not Assignment.objects.exists()

    def test_clips_that_are_coded_assigned_or_agreed_are_left_out_and_counted(self, api, batch, carol, alice):
        by_name = {item.clip.name: item.clip for item in batch.items.select_related("clip")}
        Consensus.objects.create(
            clip=by_name["c117"], onset=1, apex=2, offset=3, emotion="x", origin="adopted"
        )
        Assignment.objects.create(clip=by_name["c116"], coder=carol)
        Annotation.objects.create(clip=by_name["c115"], coder=alice, onset=1)
        answer = self.assign(api, batch, number=2).json()
        assert (answer["with_consensus"], answer["with_coders"], answer["clips"]) == (1, 2, 2)
        assert self.queue(carol)[1:] == ["c114", "c113"]
        both = self.assign(api, batch, number=1, coders=["carol", "alice"], per_clip=2, preview=True).json()
        assert (both["annotated"], both["per_coder"]) == (0, {"carol": 0, "alice": 1})
        again = self.assign(api, batch, number=1, without_consensus=False, preview=True).json()
        assert again["with_consensus"] == 0

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"coders": ["nobody"]}, "Not members of"),
            ({"coders": []}, "coders"),
            ({"measure": "member_disagreement"}, "No clip of this batch has it"),
            ({"per_clip": 2}, "only 1 chosen"),
            ({"number": 0}, "number"),
            ({"threshold": 1.5}, "threshold"),
            ({"threshold": 0.9999}, "Nothing to assign"),
        ],
    )
    def test_what_cannot_be_assigned_is_said(self, api, batch, carol, fields, words):
        answer = self.assign(api, batch, **fields)
        assert answer.status_code == 400
        assert words in answer.content.decode()
        assert not Assignment.objects.exists()

    def test_a_number_or_a_threshold_is_needed(self, api, batch, carol):
        body = {"measure": "entropy", "coders": ["carol"]}
        answer = api.post(f"/api/v1/scoring-batches/{batch.pk}/assign/", body)
        assert "Give a number of clips, a threshold, or both." in answer.content.decode()

    def test_researchers_only(self, batch, carol, bobs_api, project, member):
        annotator = member(project, "dora", Role.ANNOTATOR)
        assert self.assign(annotator, batch).status_code == 403
        assert self.assign(bobs_api, batch).status_code == 404

    def test_the_page_plans_and_assigns_what_it_showed(self, browser, batch, carol, alice):
        page = browser.get(at("batch-doubt", batch))
        assert page.context["plan"].clips == 50
        fields = {"measure": "margin", "number": 4, "coders": [carol.pk], "per_clip": 1}
        part = browser.get(at("batch-doubt", batch), fields, headers={"HX-Request": "true"})
        assert "4 clips" in " ".join(part.content.decode().split())
        digest = part.context["plan"].digest
        Assignment.objects.create(clip=batch.items.get(clip__name="c117").clip, coder=carol)
        late = browser.post(at("batch-doubt", batch), {**fields, "digest": digest})
        assert late.status_code == 422
        assert "have changed since this plan was shown" in late.content.decode()
        digest = late.context["plan"].digest
        browser.post(at("batch-doubt", batch), {**fields, "digest": digest})
        assert self.queue(carol) == ["c117", "c116", "c115", "c114", "c113"]

    def test_an_unscored_batch_offers_nothing(self, browser, model, clips, alice):
        waiting = services.start_batch(model, [services.WantedClip(clips[0])], alice)
        assert "Nothing is scored yet" in browser.get(at("batch-doubt", waiting)).content.decode()

    def test_an_imported_model_cannot_be_simulated(self, browser, batch):
        assert (
            "imported model has no held-out predictions"
            in browser.get(at("batch-saved", batch)).content.decode()
        )

    def test_the_labels_saved_are_simulated_on_held_out_predictions(self, browser, project, alice, bob):
        version = freeze_pictures(project)
        true = [CLASSES.index(sample.label) for sample in version.samples.order_by("index")]
        runs = []
        for seed in (0, 1):
            wrong_first = [(label + (i < 3)) % 3 for i, label in enumerate(true)]
            runs.append(finished(version, wrong_first, alice, seed=seed))
            unsure = Prediction.objects.filter(run=runs[-1], sample__index__lt=3)
            for prediction in unsure:
                best = CLASSES.index(prediction.predicted)
                prediction.probabilities = [0.36 if c == best else 0.32 for c in range(3)]
                prediction.save()
        made = ScoringBatch.objects.create(project=project, model=model_of(runs[0]))
        saved = saved_labels(made.model, alice)
        assert (saved.runs, saved.simulation.wrong) == (2, 3)
        entropy = saved.simulation.savings["entropy"]
        assert entropy.by_doubt == 3  # in doubt, the wrong ones come first
        assert entropy.at_random == pytest.approx(3 * (len(true) + 1) / 4)
        page = " ".join(browser.get(at("batch-saved", made)).content.decode().split())
        assert "mean of 2 seeds" in page
        assert "80% of the wrong ones" in page
        Assignment.objects.create(clip=self.a_clip_of(version, project), coder=alice)
        assert "Scores are hidden" in browser.get(at("batch-saved", made)).content.decode()

    def a_clip_of(self, version, project) -> Clip:
        """Give a sample of the version a clip."""
        sample = version.samples.first()
        subject = Subject.objects.first()
        clip = Clip.objects.create(
            project=project,
            subject=subject,
            name="late",
            sha256="e" * 64,
            file="x",
            original_name="x",
            size=1,
        )
        version.samples.filter(pk=sample.pk).update(clip=clip, picture=None, onset=1, apex=5)
        return clip

    def test_the_plan_makes_the_same_queries_for_any_number(self, batch, carol, model, clips, alice):
        counts = []
        for number in (2, 100):
            with CaptureQueriesContext(connection) as queries:
                plan_doubtful(batch, DoubtCriteria(Measure.ENTROPY, [carol], number), carol)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 6
