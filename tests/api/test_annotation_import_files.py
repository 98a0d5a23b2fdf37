"""Files of annotations that cannot be read, or only in part, are rejected or reported with a reason."""

import io
import json
import zipfile

import pytest
from openpyxl import Workbook

from mer_platform.annotation.models import Consensus
from models_ml.formats import annotations
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import CHANGED, checked, confirmed, export, upload
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "x"}, "Cannot read annotation 1 of this clip"),
        ({"revision": 0}, "“revision”: Must be 1 or more, not 0."),
        ({"created_at": "now"}, "“created_at”: Must be a time such as 2026-03-01T10:00:00+00:00, not “now”."),
        ({"versions": None}, "Cannot read annotation 1 of this clip"),
        ({"created_at": 5}, "“created_at”: Must be a text, not 5."),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "Must be a time from 1970 until now"),
        ({"updated_at": "9999-12-31T23:59:59-14:00"}, "Must be a time from 1970 until now"),
        ({"updated_at": "2026-03-01T10:00:00"}, "Must end with its time zone"),
        ({"onset": 1e300}, "The onset (frame 1e+300) is not in"),
        ({"onset": "ten"}, "“ten” is not a frame number of the onset"),
        ({"onset": -1}, "is not in CASME II/006/006_1_2: its frames are 0–99"),
        ({"onset": True}, "“True” is not a frame number"),
        ({"emotion": None}, "Emotion and action units must be texts"),
        ({"kind": "mini"}, "“mini” is neither micro nor macro"),
        ({"confidence": 9}, "from 1 (guess) to 5 (certain)"),
        ({"note": "x" * 2001}, "at most 2,000 characters"),
        ({"origin": "made up"}, "is not an origin of annotations"),
        (
            {"suggestion": dict.fromkeys(("onset", "apex", "offset", "confidence"), float("nan"))},
            "A suggestion must have numbers for exactly apex, confidence, offset, onset",
        ),
        (
            {"suggestion": {"onset": 1}},
            "A suggestion must have numbers for exactly apex, confidence, offset, onset",
        ),
    ],
)
def test_a_damaged_lossless_entry_is_reported(api, project, ours, change, words):
    document = json.loads(export(api, project, "json"))
    document["clips"][0]["annotations"][0].update(change)
    batch = checked(api, project, "lab.json", json.dumps(document))
    assert any(words in problem["message"] for problem in batch["problems"]), batch["problems"]
    assert batch["entries"] == []


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_cannot_be_stored_is_reported(api, project, ours, number):
    document = json.loads(export(api, project, "json"))
    document["clips"][0]["annotations"][0]["versions"][0]["content"]["suggestion"] = {"onset": number}
    batch = checked(api, project, "lab.json", json.dumps(document))
    (problem,) = batch["problems"]
    assert problem["code"] == "annotation-damaged"
    assert "“versions 1, content, suggestion”: Must be a finite number" in problem["message"]


def bomb() -> str:
    return '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>'


def packed(name: str, data: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def book(*cells: str) -> bytes:
    workbook, file = Workbook(), io.BytesIO()
    workbook.active.append(list(cells))
    workbook.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("lab.csv", b"", "is empty"),
        ("lab.pdf", b"%PDF", "is not known"),
        ("lab.csv", "Subject;Größe".encode("latin-1"), "is not in UTF-8"),
        ("lab.csv", b"\xff\xfeS\x00u\x00", "has no header"),
        ("lab.csv", b"\xff\xfeS\x00\x00\xd8", "cannot be decoded"),
        ("lab.csv", b"a,b\n1,2", "Expected the columns Subject"),
        ("lab.xlsx", b"PK\x03\x04 broken", "is damaged"),
        ("lab.xlsx", book("Subject")[:2000], "is damaged"),
        ("lab.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is damaged or not a spreadsheet"),
        ("lab.xlsx", book("Subject", "Filename"), "not found in the sheet"),
        ("lab.eaf", bomb(), "declares XML entities"),
        ("lab.zip", packed("a.eaf", bomb()), "declares XML entities"),
        ("lab.zip", packed("a.txt", "x"), "contains no ELAN file"),
        ("lab.zip", packed("a.eaf", "x" * 5000)[:3000], "Cannot unpack"),
        ("lab.eaf", b"no xml", "is not XML"),
        ("lab.json", b"{", "is not JSON"),
        ("lab.json", b"[" * 200_000, "is nested too deeply"),
        ("lab.json", '"Größe"'.encode("latin-1"), "is not encoded in UTF-8 or UTF-16"),
        ("lab.json", b"{}", "is not an export of Label Studio"),
        ("lab.json", b'{"schema": "mer-annotations", "schema_version": 9, "clips": []}', "has version 9"),
        ("lab.json", b'{"schema": "mer-annotations", "schema_version": 1}', "has no list “clips”"),
        ("lab.json", b'{"schema": "mer-annotations", "schema_version": 1, "clips": []}', "contains no annotations"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_rejected_with_a_reason(api, project, name, data, words):
    answer = upload(api, project, name, data)
    assert answer.status_code == 400
    assert words in errors_of(answer, "file")[0]


def test_a_file_over_the_limit_is_rejected(api, project, monkeypatch):
    monkeypatch.setattr("mer_platform.annotation.exchange.api.MAX_BYTES", 10)
    assert "the limit is 10." in errors_of(upload(api, project, "lab.csv", "x" * 11), "file")[0]


def test_a_file_with_too_many_rows_is_rejected(api, project, ours, monkeypatch):
    monkeypatch.setattr(annotations, "MAX_ROWS", 0)
    answer = upload(api, project, "lab.json", export(api, project, "json"))
    assert "more than 0 annotations" in errors_of(answer, "file")[0]


def test_a_sheet_in_utf_16_is_read(api, project, samm_clip):
    assert checked(api, project, "lab.csv", CHANGED.encode("utf-16"))["counts"]["add"] == 1


def test_the_flat_table_is_read_by_its_frame_indices(api, project, coded, alice):
    Consensus.adopt(coded[0], alice)
    table = api.get(f"/api/v1/projects/{project.pk}/annotations.csv").getvalue()
    batch = checked(api, project, "table.csv", table)
    assert (batch["counts"]["same"], batch["counts"]["add"], batch["counts"]["change"]) == (len(coded), 0, 0)
    assert (batch["problems"], [row["action"] for row in batch["consensus"]]) == ([], ["same"])
    Consensus.objects.all().delete()
    confirmed(api, checked(api, project, "table.csv", table, "consensus"))
    assert Consensus.objects.get().offset == coded[0].offset


def test_infinite_numbers_and_odd_regions_of_label_studio_are_reported(api, project, samm_clip):
    region = {"type": "timelinelabels", "id": ["x"], "parentID": "p"}
    values = [{"ranges": [{"start": 1, "end": 1e999}], "timelinelabels": ["apex"]}, {"ranges": [{}]}, None]
    task = {"data": {"clip": "006_1_2", "video": "a.mp4"}, "annotations": [
        {"coder": "alice", "result": [{**region, "value": value} for value in values] + ["odd"]}
    ]}  # fmt: skip
    batch = checked(api, project, "lab.json", json.dumps([task]))
    assert {p["code"] for p in batch["problems"]} == {"region-damaged"}


def test_characters_that_postgresql_cannot_store_are_removed(api, project, ours):
    document = json.loads(export(api, project, "json"))
    document["clips"][0]["annotations"][0]["note"] = "a\0b\ud800"
    batch = checked(api, project, "lab.json", json.dumps(document))
    assert batch["entries"][0]["fields"]["note"] == "ab?"
