"""The check of an import: the tree and the sheet are read, and each clip found is compared with the project.

A check imports nothing. It stores items to import, problems, and corrections to accept.
"""

from dataclasses import asdict

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.imports.models import Import, ImportItem, ImportProblem
from mer_platform.imports.planning import ImportPlan
from mer_platform.imports.sources import open_sheet, open_tree
from models_ml import formats
from models_ml.formats.base import Finding, Layout
from models_ml.formats.headers import ColumnsError


def layout_of(key: str) -> Layout:
    """Return the layout of this key. Raises ValidationError with the known keys for any other."""
    if key not in formats.LAYOUTS:
        known = ", ".join(formats.LAYOUTS)
        raise ValidationError({"layout": f"Layout “{key}” not found. Choose one of {known}."})
    return formats.LAYOUTS[key]


def read(batch: Import) -> tuple[Finding, ImportPlan]:
    """Read the tree and the sheet, and plan what to do with each item found.

    Raises InputError. If the columns of a sheet are not known, the import records its name.
    """
    tree = open_tree(batch)
    try:
        finding = layout_of(batch.layout).read(tree, open_sheet(batch, tree), frozenset(batch.accepted))
    except ColumnsError as error:
        Import.objects.filter(pk=batch.pk).update(unclear_sheet=error.sheet[-1000:])
        raise
    plan = ImportPlan(batch, tree, finding)
    plan.make()
    return finding, plan


def record(batch: Import, finding: Finding, plan: ImportPlan) -> None:
    """Store the outcome of a check in place of an earlier one. The caller has locked the import's row."""
    batch.items.all().delete()
    batch.problems.all().delete()
    ImportItem.objects.bulk_create(plan.items, batch_size=200)
    ImportProblem.objects.bulk_create(plan.problems, batch_size=500)
    # Accepted corrections have been applied, so the reader does not propose them again.
    applied = [c for c in batch.corrections if c["key"] in batch.accepted]
    proposed = [asdict(c) for c in finding.corrections if c.key not in batch.accepted]
    batch.corrections = applied + proposed
    batch.emotions = {name: list(words) for name, words in finding.emotions.items()}
    batch.rates = dict(finding.fps)
    batch.state = Import.State.CHECKED
    batch.save(update_fields=["corrections", "emotions", "rates", "state"])


def check_here(batch: Import) -> None:
    """Check in this process, without a worker. Raises InputError if the import cannot be read."""
    finding, plan = read(batch)
    with transaction.atomic():
        record(Import.objects.select_for_update().get(pk=batch.pk), finding, plan)
    batch.refresh_from_db()
