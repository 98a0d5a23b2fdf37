"""The report of a run: what it says, and who may read it."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Assignment
from mer_platform.experiments.models import Run
from tests.api.paper_lab import *  # noqa: F403

pytestmark = [pytest.mark.django_db]


def report(run: Run) -> str:
    return reverse("run-report", args=[run.project.slug, run.pk])


def test_the_report_has_results_figures_methods_and_settings(browser, version, runs):
    text = browser.get(report(runs[0])).content.decode()
    for part in (
        "Results", "Methods", "Settings", "Provenance", version.content_hash, "10,000 resamples", "Leave one subject out",
        "figures/confusion.json?format=svg&amp;columns=1&amp;inline=1", "figures/losses.json",
        "figures/per-subject.json?format=svg&amp;columns=2",
    ):  # fmt: skip
        assert part in text, part
    assert 'class="topbar"' not in text
    assert "figures/epochs.json" not in text  # its epochs were not chosen


def test_its_figures_open(browser, runs):
    for run in runs:
        page = browser.get(report(run))
        assert page.context["charts"]
        for chart in page.context["charts"]:
            answer = browser.get(chart["address"])
            assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml"), chart
            assert answer["Content-Disposition"].startswith("inline")


def test_a_run_without_scores_has_no_report(browser, runs):
    Run.objects.filter(pk=runs[0].pk).update(state=Run.State.CANCELLED)
    assert browser.get(report(runs[0])).status_code == 404


def test_strangers_and_blind_coders_get_no_report(client, browser, runs, bob, alice):
    Assignment.objects.create(clip=runs[0].version.samples.first().clip, coder=alice)
    assert browser.get(report(runs[0])).status_code == 403
    client.force_login(bob)
    assert client.get(report(runs[0])).status_code == 404


def test_the_page_of_the_run_leads_to_it(browser, runs):
    page = browser.get(reverse("run", args=[runs[0].project.slug, runs[0].pk])).content.decode()
    assert report(runs[0]) in page
