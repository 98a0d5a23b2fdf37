"""What keys and payloads of jobs said about features becomes columns and rows.

A run's key was the first twelve digits of the hash of its feature settings, then ``-j`` and its apex jitter if it had any.
The range of samples that a job computes was in its payload. Jobs that are still open are read like all others, so runs
continue where they are.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.db import migrations
from django.db.models import Max

CODE_VERSIONS = (3, 2, 1)  # of the code that computes features, up to this migration
DIGITS = 12
BATCH = 500


def read_feature_keys(apps, schema_editor):
    Experiment = apps.get_model("experiments", "Experiment")
    Run = apps.get_model("experiments", "Run")
    Job = apps.get_model("jobs", "Job")
    FeatureRange = apps.get_model("features", "FeatureRange")
    versions = dict(Experiment.objects.values_list("pk", "version"))
    jobs = [
        job
        for job in Job.objects.filter(kind="features").order_by("pk")
        if job.payload.get("experiment") in versions and "features_key" in job.payload
    ]
    runs = list(Run.objects.order_by("pk"))
    hashes = full_hashes(
        [
            *((job.payload["features_key"], job.payload["config"]) for job in jobs),
            *((run.features_key, run.config["features"]) for run in runs),
        ]
    )
    FeatureRange.objects.bulk_create(
        (feature_range(FeatureRange, job, versions, hashes) for job in jobs), batch_size=BATCH
    )
    model_jobs = {job.payload["run"]: job.pk for job in Job.objects.filter(kind="model").order_by("pk")}
    for run in runs:
        run.features_hash = hashes.get(run.features_key[:DIGITS], "")
        run.apex_jitter = int(run.features_key.partition("-j")[2] or 0)
        run.model_job_id = model_jobs.get(run.pk)
    Run.objects.bulk_update(runs, ["features_hash", "apex_jitter", "model_job"], batch_size=BATCH)
    keep_configurations(FeatureRange, runs)


def full_hashes(keys: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """The whole hash by its first digits; the digits alone where no known code makes them of the settings."""
    found: dict[str, str] = {}
    for key, config in keys:
        digits = key[:DIGITS]
        if digits and len(found.get(digits, "")) <= DIGITS:
            texts = (json.dumps([version, config], sort_keys=True) for version in CODE_VERSIONS)
            whole = (hashlib.sha256(text.encode()).hexdigest() for text in texts)
            found[digits] = next((text for text in whole if text.startswith(digits)), digits)
    return found


def feature_range(FeatureRange, job, versions, hashes):
    asked, done = job.payload, job.state == "done"
    timed = done and job.started_at and job.finished_at
    return FeatureRange(
        version_id=versions[asked["experiment"]],
        config=asked["config"],
        config_hash=hashes[asked["features_key"][:DIGITS]],
        apex_jitter=asked["apex_jitter"],
        start=asked["samples"][0],
        end=asked["samples"][1],
        job=job,
        images_computed=asked.get("computed", 0) if done else None,
        seconds=(job.finished_at - job.started_at).total_seconds() if timed else None,
    )


def keep_configurations(FeatureRange, runs):
    """A features page offers the configurations of all runs, those from before there were experiments too."""
    known = set(FeatureRange.objects.values_list("version", "config_hash"))
    without = [run for run in runs if (run.version_id, run.features_hash) not in known]
    FeatureRange.objects.bulk_create(
        FeatureRange(
            version_id=run.version_id,
            config=run.config["features"],
            config_hash=run.features_hash,
            apex_jitter=run.apex_jitter,
            start=0,
            end=(run.version.samples.aggregate(last=Max("index"))["last"] or 0) + 1,
        )
        for run in without
    )


class Migration(migrations.Migration):

    dependencies = [("experiments", "0005_feature_columns"), ("features", "0002_feature_ranges")]

    operations = [migrations.RunPython(read_feature_keys, migrations.RunPython.noop)]
