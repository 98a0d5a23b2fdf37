"""Queues ``training`` and ``gpu``, kind ``model``: a run's configuration trained on all samples."""

import hashlib

from django.core.files.base import ContentFile

from mer_platform.configurations.display import network_in_words
from mer_platform.deletion.services import note_unused, note_used
from mer_platform.experiments import steps
from mer_platform.experiments.models import Run
from mer_platform.jobs.broker import GPU_QUEUE
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.registry.services import store_model
from mer_platform.storage import store_by_content
from models_ml.classes import CLASSES
from models_ml.training.engine import Cancelled, fit_all
from workers.fold_weights import COMMIT_SECONDS
from workers.model_facts import facts_of
from workers.runner import handles
from workers.training_data import run_data


def model_failed(job: Job, reason: str) -> None:
    steps.fail_model(job.payload["run"], reason)


def model_subject(job: Job) -> str:
    run = Run.objects.get(pk=job.payload["run"])
    return f"Training {network_in_words(run.settings)} on all samples"


@handles("model", failed=model_failed, subject=model_subject)
def train_final_model(claim: Claim) -> None:
    """Train the model that scores new clips."""
    if steps.hold_if_paused(claim, claim.job.payload["experiment"]):
        return
    run = Run.objects.select_related("version").get(pk=claim.job.payload["run"])
    if run.state != Run.State.FINISHING:
        raise JobCancelled("The run does not wait for a model.")
    _, data = run_data(run)
    device = "auto" if claim.job.queue == GPU_QUEUE else "cpu"
    try:
        model = fit_all(data, run.settings, should_stop=claim.should_stop, device=device)
    except Cancelled as stop:
        raise JobCancelled(str(stop)) from stop
    facts = facts_of(run, data.features)
    content = model.save_bytes()
    digest = hashlib.sha256(content).hexdigest()
    name = f"models/{digest[:2]}/{digest}.safetensors"
    note_unused(
        [name], COMMIT_SECONDS
    )  # first: if the run is deleted now, or the worker killed, the file goes
    store_by_content("models", ContentFile(content), ".safetensors", sha256=digest)
    with steps.finishing_model(claim, run.pk):
        note_used([name])
        store_model(run, file=name, sha256=digest, classes=list(CLASSES), **facts)
