"""Predictions of runs as CSV and Parquet, which can be uploaded again."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from pyarrow import parquet

from mer_platform.annotation.models import Assignment
from mer_platform.experiments.models import Prediction, Run
from mer_platform.experiments.results import results_of
from mer_platform.projects.models import Role
from models_ml.classes import CLASSES
from tests.api.paper_lab import *  # noqa: F403
from tests.api.paper_lab import GOOD, TRUE

pytestmark = [pytest.mark.django_db]
COLUMNS = [
    "sample", "database", "subject", "clip", "true", "predicted", "p_negative", "p_positive", "p_surprise", "fold", "run",
    "version_sha256",
]  # fmt: skip


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_each_sample_is_a_row(api, version, runs):
    answer = api.get(f"/api/v1/runs/{runs[0].pk}/predictions.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="run-{runs[0].pk}-predictions.csv"'
    rows = rows_of(answer.getvalue())
    assert list(rows[0]) == COLUMNS
    assert [row["predicted"] for row in rows] == [CLASSES[label] for label in GOOD]
    assert [row["true"] for row in rows] == [CLASSES[label] for label in TRUE]
    assert rows[0] | {"run": "", "version_sha256": ""} == {
        "sample": "0", "database": "CASME II", "subject": "s0", "clip": "clip00", "true": "negative",
        "predicted": "negative", "p_negative": "0.8", "p_positive": "0.1", "p_surprise": "0.1", "fold": "CASME II/s0",
        "run": "", "version_sha256": "",
    }  # fmt: skip
    assert {row["version_sha256"] for row in rows} == {version.content_hash}


def test_parquet_has_the_same_with_types(api, runs):
    content = b"".join(api.get(f"/api/v1/runs/{runs[0].pk}/predictions.parquet").streaming_content)
    table = parquet.read_table(io.BytesIO(content))
    assert table.column_names == COLUMNS
    assert table["sample"].to_pylist() == list(range(12))
    assert table["p_negative"].to_pylist()[0] == 0.8


def test_a_comparison_has_its_runs_below_each_other(api, runs):
    answer = api.get("/api/v1/runs/compare/predictions.csv", {"run": [run.pk for run in runs[::-1]]})
    rows = rows_of(answer.getvalue())
    assert [row["run"] for row in rows] == [str(runs[1].pk)] * 12 + [str(runs[0].pk)] * 12


def test_a_file_that_was_exported_becomes_the_same_run_again(api, version, runs):
    for kind in ("csv", "parquet"):
        content = b"".join(api.get(f"/api/v1/runs/{runs[0].pk}/predictions.{kind}").streaming_content)
        upload = {
            "file": SimpleUploadedFile(f"predictions.{kind}", content), "protocol": "loso", "name": f"Again, {kind}",
        }  # fmt: skip
        answer = api.post(
            f"/api/v1/composite-versions/{version.pk}/external-runs/", upload, format="multipart"
        )
        assert answer.status_code in (200, 201), answer.content
        again = Run.objects.get(name=f"Again, {kind}")
        assert results_of(again).predicted == results_of(runs[0]).predicted
        assert results_of(again).intervals == results_of(runs[0]).intervals
        own, copied = (
            list(
                Prediction.objects.filter(run=run)
                .order_by("sample__index")
                .values_list("probabilities", "fold__name")
            )
            for run in (runs[0], again)
        )
        assert own == copied


def test_runs_without_probabilities_have_empty_cells(api, runs):
    Prediction.objects.filter(run=runs[0]).update(probabilities=None)
    rows = rows_of(api.get(f"/api/v1/runs/{runs[0].pk}/predictions.csv").getvalue())
    assert {row["p_negative"] for row in rows} == {""}


def test_only_researchers_who_have_coded_their_queue_get_predictions(api, bobs_api, runs, member, alice):
    address = f"/api/v1/runs/{runs[0].pk}/predictions.csv"
    compared = "/api/v1/runs/compare/predictions.csv"
    chosen = {"run": [run.pk for run in runs]}
    assert bobs_api.get(address).status_code == 404
    assert bobs_api.get(compared, chosen).status_code == 400
    annotator = member(runs[0].project, "ann", Role.ANNOTATOR)
    assert annotator.get(address).status_code == 403
    assert annotator.get(compared, chosen).status_code == 403
    Assignment.objects.create(clip=runs[0].version.samples.first().clip, coder=alice)
    assert api.get(address).status_code in (400, 403)
    assert b"blind" in api.get(address).content


def test_wrong_runs_are_named(api, runs):
    compared = "/api/v1/runs/compare/predictions.csv"
    assert "at least one run" in str(api.get(compared).json())
    assert "not “x”" in str(api.get(compared, {"run": "x"}).json())
    Run.objects.filter(pk=runs[0].pk).update(state=Run.State.CANCELLED)
    assert "has no scores" in str(api.get(f"/api/v1/runs/{runs[0].pk}/predictions.csv").json())


def test_the_command_writes_them(runs, tmp_path, capsys):
    file = tmp_path / "both.csv"
    call_command(
        "export", "predictions", "--run", str(runs[0].pk), "--run", str(runs[1].pk), "--output", str(file)
    )
    assert len(rows_of(file.read_bytes())) == 24
    with pytest.raises(CommandError, match="Name the runs"):
        call_command("export", "predictions")
    with pytest.raises(CommandError, match="Run 999999 not found"):
        call_command("export", "predictions", "--run", "999999")


def test_the_page_of_a_run_offers_them_to_researchers(browser, client, runs, member):
    address = f"/api/v1/runs/{runs[0].pk}/predictions.csv"
    page = f"/projects/{runs[0].project.slug}/runs/{runs[0].pk}/"
    assert address in browser.get(page).content.decode()
    member(runs[0].project, "vera", Role.VIEWER)
    client.logout()
    assert client.login(username="vera", password="correct horse 3")
    assert address not in client.get(page).content.decode()
