"""Exporting tables of samples and annotations as CSV and Parquet."""

import csv
import io

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from pyarrow import parquet

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.packindex import write_index
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.services import freeze
from mer_platform.projects.models import Role
from tests.fake_packs import fake_index
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]


@pytest.fixture
def make_numbered_clip(make_clip):
    """A clip whose source frames start at 5562 and have a gap of one frame."""

    def make(*args, **fields):
        clip = make_clip(*args, first_source_number=5562, **fields)
        source = tuple(5562 + i + (i >= 15) for i in range(clip.frame_count))
        write_index(clip, fake_index(clip.frame_count, source=source))
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
def of_pictures(project) -> CompositeVersion:
    return freeze_pictures(project)


def rows_of(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.content
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


def samples_url(version: CompositeVersion, kind: str) -> str:
    return f"/api/v1/composite-versions/{version.pk}/samples.{kind}"


def annotations_url(project, kind: str) -> str:
    return f"/api/v1/projects/{project.pk}/annotations.{kind}"


def test_samples_have_frame_indices_and_source_frames(api, version):
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


def test_flow_pictures_have_no_frames(api, of_pictures):
    row = rows_of(api.get(samples_url(of_pictures, "csv")))[1]
    assert (row["name"], row["source"], row["apex_from"]) == ("sub01_1", "picture", "picture")
    assert {row[name] for name in ("onset", "apex", "offset", "apex_source_frame")} == {""}


def test_source_frames_are_empty_if_the_pack_index_is_missing(api, version):
    default_storage.delete(version.samples.first().clip.index_name)
    assert rows_of(api.get(samples_url(version, "csv")))[0]["apex_source_frame"] == ""


def test_annotations_contain_all_coders_and_the_consensus(api, project, version, alice, bob):
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


def test_csv_begins_with_the_byte_order_mark_that_excel_needs(api, project, version):
    for url in (samples_url(version, "csv"), annotations_url(project, "csv")):
        assert api.get(url).getvalue().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "＝"])
def test_spreadsheets_compute_nothing_in_csv_and_parquet_keeps_the_text(api, project, clip, alice, sign):
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


def test_an_empty_project_has_a_table_without_rows(api, project):
    assert rows_of(api.get(annotations_url(project, "csv"))) == []
    assert read_parquet(api.get(annotations_url(project, "parquet"))) == []


def test_downloads_have_a_file_name(api, project, version):
    headers = api.get(samples_url(version, "parquet")).headers
    assert headers["Content-Disposition"] == 'attachment; filename="zwei-fur-uns-v1-samples.parquet"'
    assert (
        'filename="alices-lab-annotations.csv"'
        in api.get(annotations_url(project, "csv")).headers["Content-Disposition"]
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_members_who_code_blind_and_strangers_cannot_export(project, version, member, bobs_api, kind):
    carol = member(project, "carol", Role.ANNOTATOR)
    for url in (samples_url(version, kind), annotations_url(project, kind)):
        assert carol.get(url).status_code == 403
        assert "researcher" in carol.get(url).json()["detail"]
        assert bobs_api.get(url).status_code == 404


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
        (["features", "--composite-version", "99"], "Composite version 99 not found"),
        (["annotations"], "--project SLUG"),
        (["annotations", "--project", "nowhere"], "Project “nowhere” not found"),
        (["samples", "--format", "npz"], "The format of samples must be csv or parquet, not “npz”"),
    ],
)
def test_the_command_reports_missing_options(db, arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("export", *arguments)


def test_the_command_reports_a_file_that_it_cannot_write(project, tmp_path):
    target = tmp_path / "nowhere" / "a.csv"
    with pytest.raises(CommandError, match=r"Cannot write .*a\.csv”: No such file"):
        call_command("export", "annotations", "--project", project.slug, "--output", str(target))
