"""In each format, an export can be imported again without loss."""

import csv
import io
import json
import zipfile

import pytest
from openpyxl import load_workbook

from mer_platform.annotation.models import Annotation, AnnotationVersion, Consensus
from models_ml.formats import EXPORTS
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import checked, confirmed, content, export, with_index
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]

FILES = {kind: f"lab.{format.suffix}" for kind, format in EXPORTS.items()}
SHEETS = [kind for kind in FILES if kind.startswith(("casme2", "samm"))]


@pytest.mark.parametrize("kind", FILES)
def test_an_export_is_imported_exactly(api, project, coded, kind):
    before, file = content(), export(api, project, kind)
    Annotation.everything.all().delete()
    batch = checked(api, project, FILES[kind], file)
    assert (batch["problems"], batch["counts"]["add"]) == ([], len(coded))
    assert content() == []
    confirmed(api, batch)
    assert content() == before


@pytest.mark.parametrize("kind", FILES)
def test_existing_annotations_stay_unchanged(api, project, coded, kind):
    batch = checked(api, project, FILES[kind], export(api, project, kind))
    assert (batch["counts"]["same"], batch["counts"]["add"], batch["counts"]["change"]) == (len(coded), 0, 0)


@pytest.mark.parametrize("kind", SHEETS)
def test_sheets_keep_confidence_and_note(api, project, coded, kind):
    before, file = content("confidence", "note"), export(api, project, kind)
    Annotation.everything.all().delete()
    confirmed(api, checked(api, project, FILES[kind], file))
    assert content("confidence", "note") == before


def test_the_lossless_format_keeps_everything(api, project, coded, alice):
    suggestion = {"onset": 9, "apex": 20, "offset": 31, "confidence": 0.75}
    first = coded[0]
    first.origin, first.suggestion, first.revision = "corrected", suggestion, 2
    first.save()
    first.keep_version(alice, "labeler")
    Consensus.adopt(first, alice)
    file = export(api, project, "json")
    Consensus.objects.all().delete()
    Annotation.everything.all().delete()
    done = confirmed(api, checked(api, project, "lab.json", file))
    assert (done["counts"]["add"], done["counts"]["consensus"]) == (len(coded), 1)
    before, after = json.loads(file), json.loads(export(api, project, "json"))
    for document in (before, after):
        for clip in document["clips"]:
            for version in (v for a in clip["annotations"] for v in a["versions"]):
                version["client"] = version["client"].partition(";")[0]
            clip["annotations"].sort(key=lambda a: a["key"])
    assert after == before
    assert {v.client for v in AnnotationVersion.objects.all()} == {"labeler; import: lab.json"}


def test_sheets_contain_source_frames(api, project, coded):
    rows = list(csv.reader(io.StringIO(export(api, project, "casme2.csv").decode("utf-8-sig"), newline="")))
    assert rows[0][:9] == [
        "Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units", "Estimated Emotion",
    ]  # fmt: skip
    by_marks = {(row[1], row[3]): row for row in rows[1:]}
    assert by_marks["006_1_2", "5572"][3:9] == ["5572", "5583", "5593", "", "R12A+14", "happiness"]
    assert by_marks["EP02_01f", "18"][4] == "/"
    assert {row[0] for row in rows[1:]} == {"006", "01"}


def test_a_subject_keeps_its_name_if_the_short_name_is_taken(api, project, coded, make_clip):
    make_clip("EP02_01f", "01")
    assert b"sub01,EP02_01f" in export(api, project, "casme2.csv", clip=coded[-1].clip_id)


def test_the_samm_sheet_has_a_plain_header_and_durations(api, project, coded):
    book = load_workbook(io.BytesIO(export(api, project, "samm.xlsx")))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0][:8] == (
        "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    )  # fmt: skip
    assert rows[1][:8] == ("006", "006_1_2", None, 5572, 5583, 5593, 21, "Micro")


@pytest.mark.parametrize("kind", SHEETS)
def test_sheets_contain_no_formulas(api, project, coded, kind):
    file = export(api, project, kind)
    if kind.endswith("csv"):
        assert "'=1+1" in file.decode("utf-8-sig")
        return
    cells = [cell for row in load_workbook(io.BytesIO(file)).active.iter_rows() for cell in row]
    assert [(cell.data_type, cell.quotePrefix) for cell in cells if cell.value == "=1+1\nunsure"] == [
        ("s", True)
    ]


def test_a_clip_is_an_elan_file_with_tiers_for_each_coder(api, project, coded):
    archive = zipfile.ZipFile(io.BytesIO(export(api, project, "eaf.zip")))
    assert archive.namelist() == ["CASME II/006/006_1_2.eaf", "CASME II/sub01/EP02_01f.eaf"]
    text = archive.read("CASME II/006/006_1_2.eaf").decode()
    for tier in ("Expression@alice", "Emotion #2@alice", "Phase@alice", "AU@alice", "Missing@anna@lab"):
        assert f'TIER_ID="{tier}"' in text
    assert 'TIME_VALUE="50"' in text  # frame 10 at 200 frames/s


def test_elan_rejects_frames_less_than_a_millisecond_apart(api, project, clip, alice):
    with_index(clip, list(range(1, 101)), list(range(100)), "1/4000")
    Annotation.objects.create(clip=clip, coder=alice, onset=1, offset=2)
    answer = api.get(f"/api/v1/projects/{project.pk}/annotations.eaf.zip")
    assert answer.status_code == 400
    assert "too close together" in errors_of(answer, "clip")[0]


def test_label_studio_counts_frames_from_1(api, project, coded):
    tasks = json.loads(export(api, project, "label-studio.json"))
    task = next(task for task in tasks if task["data"]["clip"] == "EP02_01f")
    ranges = [
        r["value"]["ranges"][0] for a in task["annotations"] for r in a["result"] if a["coder"] == "alice"
    ]
    assert ranges[:2] == [{"start": 1, "end": 10}, {"start": 9, "end": 9}]


def test_filters_select_what_is_exported(api, project, coded, alice):
    Consensus.adopt(coded[0], alice)

    def rows(**query) -> list[dict]:
        text = export(api, project, "casme2.csv", **query).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    assert {row["Coder"] for row in rows(coder="anna@lab")} == {"anna@lab"}
    assert {row["Filename"] for row in rows(clip=coded[-1].clip_id)} == {"EP02_01f"}
    assert [(row["Coder"], row["OnsetFrame"]) for row in rows(marks="consensus")] == [("", "5572")]
    assert len(rows(database=coded[0].clip.database.pk)) == len(coded)


def test_a_consensus_can_be_imported_as_the_callers_own(api, project, coded, alice):
    Consensus.adopt(coded[0], alice)
    file = export(api, project, "samm.csv", marks="consensus")
    Annotation.everything.all().delete()
    confirmed(api, checked(api, project, "agreed.csv", file, "me"))
    assert content() == [("006_1_2", "alice", 10, 20, 30, "micro", "happiness", "R12A+14")]
