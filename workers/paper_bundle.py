"""Queue ``features``, kind ``paper-bundle``: what a paper needs of a comparison, in one zip to download."""

from django.core.files.base import File
from django.db import transaction

from mer_platform.experiments.models import Run
from mer_platform.exports import bundles
from mer_platform.exports.models import PaperBundle
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.storage import new_file, store_by_content
from models_ml.errors import InputError
from workers.runner import handles


def bundle_failed(job: Job, reason: str) -> None:
    bundles.fail(job.payload["bundle"], reason)


@handles("paper-bundle", failed=bundle_failed)
def make_bundle(claim: Claim) -> None:
    """Draw all charts, write all tables and texts, and store the zip under its hash."""
    bundle = PaperBundle.objects.filter(pk=claim.job.payload["bundle"]).first()
    if bundle is None:
        raise JobCancelled("the bundle was deleted")
    found = Run.objects.select_related("version__composite", "project", "stored_results").in_bulk(bundle.runs)
    gone = [pk for pk in bundle.runs if pk not in found]
    if gone:
        raise InputError(f"Run #{gone[0]} was deleted. Make a bundle of the other runs.")

    def report(done: int, total: int) -> None:
        claim.check()
        claim.progress(done, total)

    with new_file(".zip") as file:
        bundles.write_bundle([found[pk] for pk in bundle.runs], file, report)
        file.seek(0)
        size = file.size
        name, digest = store_by_content("exports", File(file), ".zip")
    with transaction.atomic():
        # The bundle's row is locked before the job's row, as when an attempt fails: another order could deadlock.
        bundle = PaperBundle.objects.select_for_update().get(pk=bundle.pk)
        with claim.commit() as job:
            bundles.finish(bundle, name, digest, size)
            claim.finish(job)
