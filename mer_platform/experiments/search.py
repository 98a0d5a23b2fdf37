"""Finding runs by what a person types."""

from django.db.models import Q, QuerySet

from mer_platform.experiments.models import Run
from mer_platform.projects.access import row_id

_FIELDS = ("name", "experiment__name", "version__composite__name", "config__net__name")


def search_runs(runs: "QuerySet[Run]", text: str) -> "QuerySet[Run]":
    """Return the runs in which each word occurs: in the name of run, experiment, composite or network, or as the number.

    The word “external” also finds external runs.
    """
    for word in text.replace("\0", " ").split():  # PostgreSQL refuses the sign
        found = Q(pk=row_id(word.removeprefix("#")))
        if word.casefold() == "external":
            found |= Q(config__isnull=True)
        for field in _FIELDS:
            found |= Q(**{f"{field}__icontains": word})
        runs = runs.filter(found)
    return runs
