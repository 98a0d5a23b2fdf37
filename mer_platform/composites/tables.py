"""Tables on the pages of composites."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from mer_platform.composites.models import Sample
from models_ml.classes import CLASSES


def by_subject(samples: Iterable[Sample]) -> list[dict[str, Any]]:
    """Return one row per subject with its number of samples per class."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for sample in samples:
        counts[sample.database, sample.subject][sample.label] += 1
    return [
        {"database": database, "subject": subject, "classes": [n[c] for c in CLASSES], "samples": n.total()}
        for (database, subject), n in sorted(counts.items())
    ]
