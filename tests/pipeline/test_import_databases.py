"""Databases imported by the workers: the correct frames, exactly once, also if something fails in between."""

import json
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.imports import services
from mer_platform.imports.models import Import, ImportItem
from mer_platform.jobs.models import Job
from tests.trees import eaf, flow_by_label, flow_folds, label_studio, timeline
from tests.trees.small import small_casme2_tree

pytestmark = [pytest.mark.services]


@pytest.fixture
def start(project, alice, work):
    """Check a folder and confirm the import with these corrections."""

    def run(folder, layout="casme2", accepted=(), confirm=True, **options) -> Import:
        source = services.ImportSource(Import.SourceType.FOLDER, str(folder), confined=False)
        batch = services.start(project, layout, source, options.pop("sheet", None), alice, **options)
        work()
        batch.refresh_from_db()
        if confirm and batch.state == Import.State.CHECKED and batch.counts()["waiting"]:
            services.confirm(batch, list(accepted), alice)
            work()
            batch.refresh_from_db()
        return batch

    return run


def test_a_check_writes_only_its_report(start, tmp_path):
    batch = start(small_casme2_tree(tmp_path), confirm=False)
    assert batch.state == Import.State.CHECKED
    assert batch.counts()["waiting"] == 3
    assert not Clip.objects.exists()
    assert not Database.objects.exists()


def test_clips_come_with_their_database_subjects_and_labels(start, tmp_path):
    batch = start(small_casme2_tree(tmp_path))
    assert batch.state == Import.State.FINISHED, batch.problem
    assert batch.counts()["done"] == 3, list(batch.items.values_list("reason", flat=True))
    database = Database.objects.get()
    assert (database.name, database.fps) == ("CASME II", 200)
    assert {"happiness", "disgust"} <= set(database.emotions)
    assert [str(clip) for clip in Clip.objects.all()] == [
        "CASME II/sub01/EP02_01f",
        "CASME II/sub01/EP03_02",
        "CASME II/sub02/EP01_11f",
    ]
    assert set(Clip.objects.values_list("state", flat=True)) == {"ready"}


def test_labels_are_indices_of_the_files_with_those_numbers(start, tmp_path):
    start(small_casme2_tree(tmp_path))
    clip = Clip.objects.get(name="EP02_01f")
    marks = clip.consensus.get()
    assert (clip.first_source_number, clip.frame_count) == (46, 12)
    assert (marks.onset, marks.apex, marks.offset) == (0, 5, 11)  # img46, img51, img57
    assert (marks.emotion, marks.action_units, marks.origin) == ("happiness", "12", "imported")
    with default_storage.open(clip.file) as file, zipfile.ZipFile(file) as archive:
        assert archive.namelist()[marks.apex] == "img51.jpg"


def test_an_apex_that_the_sheet_leaves_out_stays_unset(start, tmp_path):
    start(small_casme2_tree(tmp_path))
    marks = Clip.objects.get(name="EP03_02").consensus.get()
    assert (marks.onset, marks.apex, marks.offset) == (0, None, 7)


def test_the_same_frames_give_the_same_hash_in_any_folder(start, tmp_path):
    start(small_casme2_tree(tmp_path / "a"))
    hashes = set(Clip.objects.values_list("sha256", flat=True))
    Clip.objects.all().delete()
    start(small_casme2_tree(tmp_path / "elsewhere" / "b", mode=0o600))
    assert set(Clip.objects.values_list("sha256", flat=True)) == hashes


def test_a_second_import_adds_nothing_and_reports_it(start, tmp_path):
    folder = small_casme2_tree(tmp_path)
    start(folder)
    before = list(Consensus.objects.values())
    again = start(folder)
    assert again.counts() == {"waiting": 0, "done": 0, "there": 3, "failed": 0, "total": 3}
    assert set(again.items.values_list("reason", flat=True)) == {"Already in the project."}
    assert list(Consensus.objects.values()) == before
    with pytest.raises(Exception, match="nothing to import"):
        services.confirm(again, [], None)


def test_different_labels_are_reported_and_nothing_is_overwritten(start, tmp_path):
    start(small_casme2_tree(tmp_path / "a"))
    other = start(small_casme2_tree(tmp_path / "b", apex=50))
    problem = other.problems.get(code="labels-differ")
    assert "happiness at 0–5–11 (micro)" in problem.message
    assert "happiness at 0–4–11 (micro)" in problem.message
    assert Clip.objects.get(name="EP02_01f").consensus.get().apex == 5


def test_labels_are_added_to_a_clip_that_has_none(start, tmp_path):
    folder = small_casme2_tree(tmp_path)
    start(folder)
    Consensus.objects.all().delete()
    again = start(folder)
    assert again.counts()["done"] == 3
    assert Clip.objects.get(name="EP02_01f").consensus.get().apex == 5


def test_different_frames_under_the_same_name_are_reported(start, tmp_path):
    start(small_casme2_tree(tmp_path / "a"))
    other = start(small_casme2_tree(tmp_path / "b", brightness=9))
    assert other.problems.filter(code="frames-differ", severity="warning").count() == 3
    assert "is another image" in other.items.first().reason


def test_the_same_frames_under_another_name_are_reported(start, tmp_path):
    folder = small_casme2_tree(tmp_path)
    start(folder)
    Clip.objects.filter(name="EP02_01f").update(name="renamed")
    again = start(folder)
    problem = again.problems.get(code="same-bytes")
    assert "CASME II/sub01/renamed" in problem.message
    assert again.counts()["there"] == 3


def test_a_subject_that_differs_only_in_spelling_is_refused(start, tmp_path, project):
    database = Database.objects.create(project=project, name="CASME II", fps=200)
    Subject.objects.create(database=database, name="Sub01")
    batch = start(small_casme2_tree(tmp_path))
    assert batch.problems.filter(code="subject-spelling", subject="sub01").count() == 2
    assert sorted(Subject.objects.values_list("name", flat=True)) == ["Sub01", "sub02"]


def test_a_damaged_frame_fails_only_its_clip(start, tmp_path):
    folder = small_casme2_tree(tmp_path)
    damaged = next(folder.rglob("img48.jpg"))
    damaged.write_bytes(damaged.read_bytes()[:-200])
    batch = start(folder)
    failed = batch.items.get(state=ImportItem.State.FAILED)
    assert failed.name == "EP02_01f"
    assert "img48.jpg" in failed.reason
    assert "cut off" in failed.reason
    assert batch.problems.filter(severity="error", clip="EP02_01f").exists()
    assert sorted(Clip.objects.values_list("name", flat=True)) == ["EP01_11f", "EP03_02"]


def test_a_job_that_is_claimed_again_continues_where_it_stopped(start, tmp_path, monkeypatch, work):
    import workers.imports

    taken = []
    real = workers.imports._write_bytes

    def die_at_the_second(file, item, tree):
        taken.append(item.name)
        if len(taken) == 2:
            raise SystemExit  # the nearest to SIGKILL within one process: nothing is caught or written
        real(file, item, tree)

    monkeypatch.setattr(workers.imports, "_write_bytes", die_at_the_second)
    with pytest.raises(SystemExit):
        start(small_casme2_tree(tmp_path))
    batch = Import.objects.get()
    assert (batch.state, batch.counts()["done"]) == (Import.State.IMPORTING, 1)
    Job.objects.filter(kind="import").update(state=Job.State.QUEUED)
    work()
    batch.refresh_from_db()
    assert (batch.state, batch.counts()["done"]) == (Import.State.FINISHED, 3)
    assert taken.count("EP02_01f") == 1  # committed work is not repeated
    assert Clip.objects.count() == Consensus.objects.count() == 3


def test_cancelling_keeps_imported_clips_and_stops_the_rest(start, tmp_path, monkeypatch, alice):
    import workers.imports

    real = workers.imports._write_bytes

    def cancel_in_between(file, item, tree):
        real(file, item, tree)
        if item.name == "EP03_02":
            services.cancel(item.batch, alice)
            Job.objects.filter(state="running").update(cancel_requested=True)

    monkeypatch.setattr(workers.imports, "_write_bytes", cancel_in_between)
    monkeypatch.setattr("mer_platform.imports.services.FRAMES_PER_JOB", 1)
    batch = start(small_casme2_tree(tmp_path))
    assert batch.state == Import.State.CANCELLED
    assert batch.counts()["waiting"] >= 1
    assert Clip.objects.filter(name="EP02_01f").exists()
    assert not Job.objects.filter(group=batch.group, state__in=["queued", "running"]).exists()


def test_an_import_cancelled_while_it_is_checked_stays_cancelled(start, tmp_path, monkeypatch, alice):
    import workers.imports

    real = workers.imports.checking.read

    def cancel_in_between(batch):
        services.cancel(batch, alice)
        return real(batch)

    monkeypatch.setattr(workers.imports.checking, "read", cancel_in_between)
    batch = start(small_casme2_tree(tmp_path))
    assert (batch.state, batch.counts()["total"]) == (Import.State.CANCELLED, 0)


def test_a_worker_that_dies_too_often_fails_its_clips_and_ends_the_import(start, tmp_path):
    from workers.runner import fail

    folder = small_casme2_tree(tmp_path)
    batch = start(folder, confirm=False)
    services.confirm(batch, [], None)
    claim = Job.claim(Job.objects.get(kind="import").pk, "a dead worker")
    fail(claim, "The worker died 10 times at this.")
    batch.refresh_from_db()
    assert batch.state == Import.State.FINISHED
    assert batch.counts()["failed"] == 3


def test_a_folder_of_another_layout_fails_with_a_reason(start, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    batch = start(tmp_path)
    assert batch.state == Import.State.FAILED
    assert "CASME II" in batch.problem


def test_an_accepted_correction_is_read_again_and_applied(start, tmp_path):
    folder = small_casme2_tree(tmp_path, erratum=True)
    batch = start(folder, confirm=False)
    keys = [correction["key"] for correction in batch.corrections]
    assert keys == ["casme2/sub16/EP01_08/offset"]
    with pytest.raises(Exception, match="Correction “casme2/other” not found"):
        services.confirm(batch, ["casme2/other"], None)
    done = start(folder, accepted=keys)
    assert done.accepted == keys
    assert Clip.objects.get(name="EP01_08").consensus.get().offset == 23  # frame 96 of 73–96


def test_the_command_checks_without_a_worker(project, tmp_path, capsys):
    call_command(
        "import_dataset",
        "casme2",
        str(small_casme2_tree(tmp_path)),
        project=project.slug,
        dry_run=True,
        json=True,
    )
    printed = json.loads(capsys.readouterr().out)
    assert printed["counts"]["waiting"] == 3
    assert printed["databases"][0]["subjects"] == 2
    assert not Clip.objects.exists()
    assert not Job.objects.exists()


def test_the_command_fails_if_nothing_can_be_imported(project, tmp_path):
    folder = small_casme2_tree(tmp_path)
    Database.objects.create(project=project, name="casme ii", fps=200)
    with pytest.raises(Exception, match="Nothing could be imported"):
        call_command("import_dataset", "casme2", str(folder), project=project.slug, dry_run=True)


def test_flow_pictures_are_stored_once_though_folds_repeat_them(start, tmp_path):
    folder = flow_folds(tmp_path)
    batch = start(folder, layout="flow-images")
    assert batch.counts()["done"] == 6, list(batch.items.values_list("reason", flat=True))
    found = {str(picture): picture.emotion for picture in FlowPicture.objects.all()}
    assert found["CASME II/sub01/EP02_01f"] == "positive"
    assert len(found) == 6
    again = start(folder, layout="flow-images")
    assert (again.counts()["there"], again.counts()["waiting"]) == (6, 0)
    assert FlowPicture.objects.count() == 6


def test_flow_pictures_are_refused_in_a_database_of_clips(start, tmp_path, make_clip):
    make_clip()
    batch = start(flow_by_label(tmp_path), layout="flow-images")
    failed = batch.items.get(database="CASME II")
    assert failed.state == ImportItem.State.FAILED
    assert "count the same samples twice" in failed.reason
    assert not FlowPicture.objects.filter(subject__database__name="CASME II").exists()
    assert batch.counts()["done"] == 3


def test_clips_are_refused_in_a_database_of_flow_pictures(start, tmp_path):
    start(flow_by_label(tmp_path / "pictures"), layout="flow-images")
    batch = start(small_casme2_tree(tmp_path / "clips"))
    assert batch.counts()["failed"] == 3
    assert "contains 1 flow picture" in batch.problems.filter(code="pictures-and-clips").first().message
    assert not Clip.objects.exists()


def test_a_file_that_is_not_a_flow_picture_fails_alone(start, tmp_path):
    folder = flow_by_label(tmp_path)
    (folder / "Lab/Anna/joy/first.png").write_bytes(b"no picture")
    batch = start(folder, layout="flow-images")
    assert batch.counts()["done"] == 3


@pytest.fixture
def annotated(project, alice, work):
    """Import a file of annotations as if it were uploaded."""

    def run(layout: str, path) -> Import:
        file = ContentFile(path.read_bytes(), name=path.name)
        batch = services.start(project, layout, services.ImportSource(Import.SourceType.FILE), file, alice)
        work()
        batch.refresh_from_db()
        if batch.counts()["waiting"]:
            services.confirm(batch, [], alice)
            work()
            batch.refresh_from_db()
        return batch

    return run


@pytest.fixture
def unlabelled(start, tmp_path) -> Clip:
    """sub01/EP02_01f: 12 frames at 200 fps, img46–img57."""
    start(small_casme2_tree(tmp_path / "tree"))
    Consensus.objects.all().delete()
    return Clip.objects.get(name="EP02_01f")


def test_label_studio_frames_count_from_one(annotated, unlabelled, tmp_path):
    path = label_studio(
        tmp_path / "x.json", ("/data/EP02_01f.mp4", {"a@lab": [timeline("happiness", 3, 9)]}), fps=200
    )
    batch = annotated("label-studio", path)
    assert batch.state == Import.State.FINISHED, batch.problem
    marks = unlabelled.consensus.get()
    assert (marks.onset, marks.offset, marks.emotion, marks.origin) == (2, 8, "happiness", "imported")


def test_elan_milliseconds_become_frames_by_the_clips_own_times(annotated, unlabelled, tmp_path):
    path = eaf(tmp_path / "x.eaf", {"emotion": [(10, 42, "happiness")]}, media="sub01_EP02_01f.mp4")
    annotated("elan", path)
    marks = unlabelled.consensus.get()
    assert (marks.onset, marks.offset) == (2, 8)  # a frame takes 5 ms; 42 ms is nearest to frame 8, at 40 ms


def test_annotations_of_two_coders_are_not_imported(annotated, unlabelled, tmp_path):
    both = {"a@lab": [timeline("happiness", 3, 9)], "b@lab": [timeline("disgust", 4, 9)]}
    batch = annotated("label-studio", label_studio(tmp_path / "x.json", ("EP02_01f.mp4", both), fps=200))
    assert (
        "An import takes one annotation of each expression"
        in batch.problems.get(code="several-coders").message
    )
    assert not unlabelled.consensus.exists()


@pytest.mark.parametrize(
    ("clip", "first", "code", "words"),
    [
        ("nothing.mp4", 3, "clip-unknown", "This project has no clip “nothing”"),
        ("EP02_01f.mp4", 300, "frame-absent", "its frames last from 0 to 55 ms"),
    ],
)
def test_annotations_that_fit_no_clip_are_reported(annotated, unlabelled, tmp_path, clip, first, code, words):
    path = label_studio(
        tmp_path / "x.json", (clip, {"a@lab": [timeline("happiness", first, first + 4)]}), fps=200
    )
    assert words in annotated("label-studio", path).problems.filter(code=code).first().message


def test_a_name_that_two_clips_share_is_ambiguous(annotated, unlabelled, tmp_path):
    Clip.objects.filter(name="EP01_11f").update(name="EP02_01f")
    path = label_studio(
        tmp_path / "x.json", ("EP02_01f.mp4", {"a@lab": [timeline("happiness", 3, 9)]}), fps=200
    )
    problem = annotated("label-studio", path).problems.get(code="clip-ambiguous")
    assert "CASME II/sub01/EP02_01f, CASME II/sub02/EP02_01f" in problem.message
