"""What a person may see of the labels of a composite version while clips of it wait in their queue.

Coding is blind, and counts give labels away: the class of the only sample of a subject is in each table by subject, and a
run's overall scores determine a few unknown labels if the others are known. So until the person has coded these clips,

- counts of samples leave these clips out, and so do lists that state an emotion or a class, and
- scores of runs on the version are hidden altogether.

Pages, figures and API ask this module.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count

from mer_platform.annotation.blindness import blind_clips
from mer_platform.composites.models import CompositeVersion, Sample, count_samples


def hidden_clips(user: Any, versions: Iterable[int]) -> dict[int, int]:
    """Return how many clips the user still has to code, by the id of each version that has such clips."""
    samples = Sample.objects.filter(version__in=list(versions), clip__in=blind_clips(user)).order_by()
    return dict(
        samples.values("version").annotate(n=Count("clip", distinct=True)).values_list("version", "n")
    )


def visible_counts(user: Any, version: CompositeVersion) -> dict[str, Any]:
    """Return the version's counts without the clips that the user still has to code."""
    return visible_counts_of(user, [version.pk])[version.pk]


def visible_counts_of(user: Any, versions: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return what ``visible_counts`` says of several versions, by their ids, in one query."""
    ids = list(versions)
    samples = Sample.objects.filter(version__in=ids).exclude(clip__in=blind_clips(user)).order_by()
    found: dict[int, list[tuple[str, str, str]]] = {pk: [] for pk in ids}
    counted = samples.values_list("version", "database", "subject", "label").annotate(number=Count("pk"))
    for version, *triple, number in counted:
        found[version] += [tuple(triple)] * number
    return {pk: count_samples(triples) for pk, triples in found.items()}


def why_not_frozen(user: Any, databases: Iterable[Any]) -> str:
    """Return why the user may not freeze a version of these databases; empty if they may.

    The label map and the rules decide by emotion which clips are in a version. So versions of one's own making would say
    which emotion a clip has.
    """
    left = blind_clips(user).filter(clip__subject__database__in=list(databases)).count()
    if not left:
        return ""
    which = "1 clip" if left == 1 else f"{left} clips"
    return (
        f"Your queue still has {which} of these databases to be coded blind, and what a version includes would give labels "
        "away. Finish your queue first, ask a researcher to withdraw it, or let someone else freeze the version."
    )


def why_not_counted(clips: int) -> str:
    """Return why so many clips are in no count; empty for none."""
    if not clips:
        return ""
    which = "1 clip in your queue is" if clips == 1 else f"{clips} clips in your queue are"
    return f"{which} not counted here until you have coded {'it' if clips == 1 else 'them'}, because coding is blind."


def why_hidden(clips: int) -> str:
    """Return why scores on a version are hidden from someone who still has to code so many of its clips; empty for none."""
    if not clips:
        return ""
    which = "1 clip of this version" if clips == 1 else f"{clips} clips of this version"
    return (
        f"Scores are hidden: your queue still has {which} to be coded blind, and scores would give labels away. "
        "Finish your queue first, or ask a researcher to withdraw it."
    )


def why_scores_hidden(user: Any, version_id: int) -> str:
    """Return why the user may not see scores on this version; empty if they may."""
    return why_hidden(hidden_clips(user, [version_id]).get(version_id, 0))
