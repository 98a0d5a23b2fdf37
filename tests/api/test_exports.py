"""Taking data away: tables of samples and annotations, and features as a file."""

import csv
import io
import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.urls import reverse
from pyarrow import parquet

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import FlowPicture, Subject
from mer_platform.composites.models import Composite, CompositeVersion, Sample
from mer_platform.composites.services import freeze
from mer_platform.exports.models import FeatureExport
from mer_platform.exports.services import MAX_BYTES, fail, finish
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Membership, Role

pytestmark = [pytest.mark.django_db, pytest.mark.services]
EXPORTS = "/api/v1/feature-exports/"


@pytest.fixture
def make_numbered_clip(make_clip):
    """A clip whose source numbers its frames from 5562 and has left one number out."""

    def make(*args, **fields):
        clip = make_clip(*args, first_source_number=5562, **fields)
        source = [5562 + i + (i >= 15) for i in range(clip.frame_count)]
        default_storage.save(clip.index_name, ContentFile(json.dumps({"source": source}).encode()))
        return clip

    return make


@pytest.fixture
def version(project, database, make_numbered_clip, alice) -> CompositeVersion:
    for subject in ("s1", "s2"):
        clip = make_numbered_clip(f"of {subject}", subject)
        Consensus.objects.create(
            clip=clip, onset=10, apex=15, offset=20, emotion="disgust", origin="imported"
        )
    return freeze(project, "Zwei, für uns", [database], {database.name: {"disgust": "negative"}}, alice)


@pytest.fixture
def of_pictures(project, database) -> CompositeVersion:
    composite = Composite.objects.create(project=project, name="Pictures")
    version = CompositeVersion.objects.create(
        composite=composite, number=1, label_map={}, content_hash="c" * 64
    )
    for index, name in enumerate(("s1", "s2")):
        subject, _ = Subject.objects.get_or_create(database=database, name=name)
        picture = FlowPicture.objects.create(
            subject=subject, name=f"p{index}", emotion="negative", sha256=f"{index}" * 64, file="p.png", width=28, height=28,
        )  # fmt: skip
        Sample.objects.create(
            version=version, index=index, picture=picture, name=picture.name, content_sha256=picture.sha256,
            database=database.name, subject=name, apex_from="picture", emotion="negative", label="negative",
        )  # fmt: skip
    return version


def rows_of(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.content
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


def samples_url(version: CompositeVersion, kind: str) -> str:
    return f"/api/v1/composite-versions/{version.pk}/samples.{kind}"


def annotations_url(project, kind: str) -> str:
    return f"/api/v1/projects/{project.pk}/annotations.{kind}"


def test_samples_have_both_numberings_of_their_frames(api, version):
    row = rows_of(api.get(samples_url(version, "csv")))[0]
    assert [row[name] for name in ("onset", "apex", "offset")] == ["10", "15", "20"]
    assert [row[f"{name}_source_frame"] for name in ("onset", "apex", "offset")] == ["5572", "5578", "5583"]
    assert (row["index"], row["database"], row["subject"], row["name"]) == ("0", "CASME II", "s1", "of s1")
    assert (row["source"], row["apex_from"], row["emotion"], row["label"]) == (
        "clip",
        "coded",
        "disgust",
        "negative",
    )
    assert (row["version"], row["version_sha256"]) == ("Zwei, für uns v1", version.content_hash)
    assert row["content_sha256"] == version.samples.first().content_sha256


def test_samples_that_are_pictures_have_no_frames(api, of_pictures):
    row = rows_of(api.get(samples_url(of_pictures, "csv")))[1]
    assert (row["name"], row["source"], row["apex_from"]) == ("p1", "picture", "picture")
    assert {row[name] for name in ("onset", "apex", "offset", "apex_source_frame")} == {""}


def test_source_numbers_are_left_open_where_the_frame_pack_is_gone(api, version):
    default_storage.delete(version.samples.first().clip.index_name)
    assert rows_of(api.get(samples_url(version, "csv")))[0]["apex_source_frame"] == ""


def test_annotations_hold_every_coder_and_the_consensus(api, project, version, alice, bob):
    clip = version.samples.first().clip
    Annotation.objects.create(clip=clip, coder=alice, onset=9, kind="macro", confidence=4, note="half\nseen")
    adopted = Annotation.objects.create(clip=clip, coder=bob, onset=10, apex=15, offset=21, emotion="disgust",
                                        action_units="4+L10")  # fmt: skip
    Consensus.adopt(adopted, alice)
    rows = rows_of(api.get(annotations_url(project, "csv")))
    assert [(row["clip"], row["marked_by"], row["coder"], row["origin"]) for row in rows] == [
        ("of s1", "consensus", "bob", "adopted"),
        ("of s1", "coder", "alice", ""),
        ("of s1", "coder", "bob", ""),
        ("of s2", "consensus", "", "imported"),
    ]
    agreed, unsure = rows[0], rows[1]
    assert (agreed["offset"], agreed["offset_source_frame"], agreed["action_units"]) == (
        "21",
        "5584",
        "4+L10",
    )
    assert (unsure["kind"], unsure["apex"], unsure["confidence"], unsure["note"]) == (
        "macro",
        "",
        "4",
        "half\nseen",
    )
    assert (agreed["frame_count"], agreed["frames_per_second"], agreed["clip_sha256"]) == (
        "100",
        "200.0",
        clip.sha256,
    )


def test_csv_begins_with_the_mark_that_excel_needs(api, project, version):
    for url in (samples_url(version, "csv"), annotations_url(project, "csv")):
        assert api.get(url).getvalue().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "＝"])
def test_csv_computes_nothing_in_a_spreadsheet_and_parquet_keeps_the_text(api, project, clip, alice, sign):
    note = f"{sign}HYPERLINK(1)"
    Annotation.objects.create(clip=clip, coder=alice, note=note)
    assert rows_of(api.get(annotations_url(project, "csv")))[0]["note"] == f"'{note}"
    assert read_parquet(api.get(annotations_url(project, "parquet")))[0]["note"] == note


def read_parquet(answer) -> list[dict]:
    assert answer.status_code == 200
    return parquet.read_table(io.BytesIO(answer.getvalue())).to_pylist()


def test_parquet_has_typed_columns_and_nulls(api, version, of_pictures):
    row, picture = (read_parquet(api.get(samples_url(v, "parquet")))[0] for v in (version, of_pictures))
    assert (row["onset"], row["apex_source_frame"], row["label"]) == (10, 5578, "negative")
    assert (picture["onset"], picture["apex_source_frame"]) == (None, None)


def test_an_empty_project_gives_a_table_of_no_rows(api, project):
    assert rows_of(api.get(annotations_url(project, "csv"))) == []
    assert read_parquet(api.get(annotations_url(project, "parquet"))) == []


def test_downloads_say_their_name(api, project, version):
    headers = api.get(samples_url(version, "parquet")).headers
    assert headers["Content-Disposition"] == 'attachment; filename="zwei-fur-uns-v1-samples.parquet"'
    assert (
        'filename="alices-lab-annotations.csv"'
        in api.get(annotations_url(project, "csv")).headers["Content-Disposition"]
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_coding_is_blind_and_other_projects_do_not_exist(project, version, member, bobs_api, kind):
    carol = member(project, "carol", Role.ANNOTATOR)
    for url in (samples_url(version, kind), annotations_url(project, kind)):
        assert carol.get(url).status_code == 403
        assert "researcher" in carol.get(url).json()["detail"]
        assert bobs_api.get(url).status_code == 404


def test_features_are_a_job_for_the_workers(api, version):
    answer = api.post(EXPORTS, {"version": version.pk, "config": {"size": 14}, "format": "npz"})
    assert answer.status_code == 202, answer.content
    assert answer.json()["progress"] == {"state": "waiting", "done": 0, "total": 0}
    assert (answer.json()["config"]["size"], answer.json()["config"]["flow"]) == (14, "tvl1")
    job = Job.objects.get(kind="export")
    assert (job.queue, job.payload) == ("features", {"export": answer.json()["id"]})


def test_the_same_features_again_are_the_same_export(api, version):
    first, again, other = (
        api.post(EXPORTS, {"version": version.pk, "config": config}).json()["id"]
        for config in ({}, {"size": 28}, {"size": 14})
    )
    assert first == again != other
    assert Job.objects.filter(kind="export").count() == 2


def test_an_export_that_failed_or_lost_its_file_is_made_again(api, version):
    made = [api.post(EXPORTS, {"version": version.pk}).json()["id"]]
    fail(made[0], "No face was found.")
    made.append(api.post(EXPORTS, {"version": version.pk}).json()["id"])
    finish(FeatureExport.objects.get(pk=made[1]), "exports/gone.safetensors", "0" * 64, 1)
    assert "missing from the storage" in api.get(f"{EXPORTS}{made[1]}/file/").json()["detail"]
    made.append(api.post(EXPORTS, {"version": version.pk}).json()["id"])
    assert len(set(made)) == 3
    assert api.get(f"{EXPORTS}{made[0]}/").json()["error"] == "No face was found."


def test_the_file_is_there_once_the_export_is_done(api, version):
    export = api.post(EXPORTS, {"version": version.pk}).json()["id"]
    waiting = api.get(f"{EXPORTS}{export}/file/")
    assert (waiting.status_code, waiting.json()["detail"]) == (
        404,
        "This export has no file: it is computing.",
    )
    name = default_storage.save("exports/xy/test.safetensors", ContentFile(b"tensors"))
    finish(FeatureExport.objects.get(pk=export), name, "0" * 64, 7)
    answer = api.get(f"{EXPORTS}{export}/file/")
    assert answer.getvalue() == b"tensors"
    assert 'filename="zwei-fur-uns-v1-' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"config": {"size": 4}}, "greater than or equal to 8"),
        ({"config": {"sise": 28}}, "sise"),
        ({"config": [1]}, "valid dictionary"),
        ({"format": "pickle"}, "is not a valid choice"),
        ({"version": 999_999}, "does not exist"),
    ],
)
def test_it_says_what_is_wrong_with_an_export(api, version, fields, words):
    answer = api.post(EXPORTS, {"version": version.pk, **fields})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not FeatureExport.objects.exists()


def test_features_that_no_worker_could_hold_are_refused(api, version, monkeypatch):
    monkeypatch.setattr("mer_platform.exports.services.MAX_BYTES", 1000)
    answer = api.post(EXPORTS, {"version": version.pk})
    assert "2 samples of 3×28×28 numbers" in answer.json()["size"][0]
    assert MAX_BYTES > 1000


def test_annotators_and_strangers_get_no_features(api, project, version, member, bobs_api):
    export = api.post(EXPORTS, {"version": version.pk}).json()["id"]
    carol = member(project, "carol", Role.ANNOTATOR)
    assert carol.post(EXPORTS, {"version": version.pk}).status_code == 403
    assert carol.get(EXPORTS).json()["results"] == []
    for path in ("", "file/"):
        assert "researcher" in carol.get(f"{EXPORTS}{export}/{path}").json()["detail"]
        assert bobs_api.get(f"{EXPORTS}{export}/{path}").status_code == 404


def test_the_command_writes_tables(project, version, tmp_path, capsys):
    path = tmp_path / "samples.csv"
    call_command("export", "samples", "--composite-version", str(version.pk), "--output", str(path))
    assert capsys.readouterr().out.strip() == str(path)
    assert len(list(csv.DictReader(path.open(encoding="utf-8-sig", newline="")))) == 2
    path = tmp_path / "annotations.parquet"
    call_command(
        "export", "annotations", "--project", project.slug, "--format", "parquet", "--output", str(path)
    )
    assert parquet.read_table(path).num_rows == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["samples"], "--composite-version ID"),
        (["features", "--composite-version", "99"], "There is no composite version 99"),
        (["annotations"], "--project SLUG"),
        (["annotations", "--project", "nowhere"], "There is no project “nowhere”"),
        (["samples", "--format", "npz"], "Samples are written as csv or parquet, not as “npz”"),
    ],
)
def test_the_command_says_what_is_missing(db, arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("export", *arguments)


def test_the_command_says_where_it_cannot_write(project, tmp_path):
    target = tmp_path / "nowhere" / "a.csv"
    with pytest.raises(CommandError, match=r"a\.csv cannot be written: No such file"):
        call_command("export", "annotations", "--project", project.slug, "--output", str(target))


def test_the_command_says_what_is_wrong_with_the_settings(version, tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"size": 4}')
    with pytest.raises(CommandError, match=r"size: .*greater than or equal to 8"):
        call_command("export", "features", "--composite-version", str(version.pk), "--config", str(config))


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def test_the_version_page_offers_the_tables_and_shows_the_exports_made(browser, api, project, version):
    api.post(EXPORTS, {"version": version.pk})
    page = browser.get(reverse("version", args=[project.slug, version.pk])).content.decode()
    for name in ("samples-csv", "samples-parquet", "version-export"):
        arguments = [project.slug, version.pk] if name == "version-export" else [version.pk]
        assert reverse(name, args=arguments) in page
    assert "Waiting for a worker" in page


def test_the_form_starts_an_export_and_the_page_follows_it(browser, project, version):
    url = reverse("version-export", args=[project.slug, version.pk])
    fields = {"format": "npz", "flow": "dis", "size": 14, "align": "crop", "crop_size": 64}
    assert browser.post(url, form_fields(browser, url) | fields).status_code == 302
    export = FeatureExport.objects.get()
    assert (export.format, export.config["flow"], export.config["size"]) == ("npz", "dis", 14)
    fragment = browser.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' in fragment
    finish(export, "exports/x.npz", "0" * 64, 2048)
    fragment = browser.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' not in fragment
    assert reverse("feature-export-file", args=[export.pk]) in fragment


def form_fields(browser, url) -> dict:
    form = browser.get(url).context["form"]
    values = {field.html_name: field.value() for field in form if field.value() not in (None, False)}
    return {"format": "safetensors", **values}


def test_the_form_says_what_is_wrong(browser, project, version, monkeypatch):
    url = reverse("version-export", args=[project.slug, version.pk])
    answer = browser.post(url, form_fields(browser, url) | {"size": 4})
    assert answer.status_code == 422
    assert "greater than or equal to 8" in answer.content.decode()
    monkeypatch.setattr("mer_platform.exports.services.MAX_BYTES", 1000)
    assert "choose a smaller size" in browser.post(url, form_fields(browser, url)).content.decode()


def test_a_failed_export_says_why(browser, project, version, api):
    fail(api.post(EXPORTS, {"version": version.pk}).json()["id"], "CASME II/s1/of s1: no face in frame 10.")
    page = browser.get(reverse("version-export", args=[project.slug, version.pk])).content.decode()
    assert "CASME II/s1/of s1: no face in frame 10." in page


def test_viewers_do_not_reach_the_export_page(client, project, version, bob):
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    client.force_login(bob)
    assert client.get(reverse("version-export", args=[project.slug, version.pk])).status_code == 403
    page = client.get(reverse("version", args=[project.slug, version.pk])).content.decode()
    assert reverse("samples-csv", args=[version.pk]) not in page
