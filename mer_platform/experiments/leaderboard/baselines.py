"""Baselines of leaderboards: the run to compare with, and the difference of each shown line, computed once."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.leaderboard.standings import Entry, SectionKey
from mer_platform.experiments.models import Baseline, Run, StoredDifference, StoredResults
from mer_platform.experiments.results import ABSENT, KnownSample, samples_of
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.web import actor
from models_ml.errors import InputError
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.paired import ScoreDifference, differences_from_first

AT_ONCE = 50  # lines whose resamples are in memory together
NOT_ADJUSTED = "Each p is of one run alone: the more runs are compared, the more of them differ by chance."


@dataclass(frozen=True)
class Difference:
    """A line's UF1 minus the baseline's, or why there is none."""

    found: ScoreDifference | None
    reason: str = ""

    @property
    def verdict(self) -> str:
        """What the 95% interval says: better, worse or unclear; empty without a difference."""
        if self.found is None:
            return ""
        low, high = self.found.interval
        return "better" if low > 0 else "worse" if high < 0 else "unclear"


def pin(run: Run, user: Any) -> Baseline:
    """Make a run the baseline of its version and protocol.

    Raises ValidationError if it has no scores.
    """
    if not run.scored:
        raise ValidationError(
            f"Cannot pin {run} as the baseline: it has no scores; it is {run.get_state_display()}."
        )
    baseline, _ = Baseline.objects.update_or_create(
        version=run.version, protocol=run.protocol, defaults={"run": run, "pinned_by": actor(user)}
    )
    AuditEvent.record(run.project, user, f"pinned {run} as the baseline")
    return baseline


def unpin(run: Run, user: Any) -> bool:
    """Remove a run as the baseline. Return whether it was one."""
    removed = bool(Baseline.objects.filter(run=run).delete()[0])
    if removed:
        AuditEvent.record(run.project, user, f"removed {run} as the baseline")
    return removed


def pinned_baselines(versions: Iterable[int]) -> dict[SectionKey, tuple[int, str]]:
    """Return number and name of the runs that are pinned, by version and protocol."""
    pinned = Baseline.objects.filter(version__in=versions).select_related("run").defer("run__environment")
    return {(own.version_id, own.protocol): (own.run_id, str(own.run)) for own in pinned}


def asked_baselines(
    project: Project, asked: Sequence[int], hidden: Collection[int]
) -> tuple[dict[SectionKey, tuple[int, str]], list[str]]:
    """Return the same of the runs that an address names, and a sentence for each that cannot be a baseline.

    ``hidden`` are the versions whose scores the user may not see.
    """
    known = (
        Run.objects.filter(project=project).exclude(version__in=hidden).in_bulk(list(asked)) if asked else {}
    )
    found, problems = {}, []
    for pk in reversed(asked):  # the first of a section counts
        run = known.get(pk)
        if run is not None and run.scored:
            found[run.version_id, run.protocol] = (pk, str(run))
        else:
            problems.append(f"#{pk} cannot be the baseline: it is not a run with scores of this project.")
    return found, problems


def differences(
    entries: Sequence[Entry], baselines: Mapping[SectionKey, int], versions: Mapping[int, CompositeVersion]
) -> dict[tuple[int, str], Difference]:
    """Return the difference of each entry from the baseline of its section, by ``key_of`` the entry.

    Those that are not stored are computed, all of a section with the same resamples of subjects, and stored.
    """
    wanted: dict[int, dict[tuple[int, str], Entry]] = {}
    for entry in entries:
        baseline = baselines.get(entry.first.section)
        scored = [run.pk for run in entry.scored]
        if baseline and scored and scored != [baseline]:
            wanted.setdefault(baseline, {})[key_of(entry)] = entry
    if not wanted:
        return {}
    ids = Q()
    for baseline, own in wanted.items():
        ids |= Q(baseline=baseline, run__in={pk for pk, _ in own})
    found = {}
    for row in StoredDifference.objects.filter(ids, code=METRICS_VERSION):
        if (row.run_id, row.seeds) in wanted[row.baseline_id]:
            found[row.run_id, row.seeds] = _difference(row)
    for baseline, own in wanted.items():
        missing = {key: entry for key, entry in own.items() if key not in found}
        if missing:
            version = versions[next(iter(missing.values())).first.version_id]
            found |= _computed(baseline, missing, samples_of(version))
    return found


def key_of(entry: Entry) -> tuple[int, str]:
    """Return what identifies an entry among stored differences: its first run, and a hash if several seeds have scores."""
    ids = sorted(run.pk for run in entry.scored)
    if len(ids) < 2:
        return (ids[0] if ids else entry.pk), ""
    return ids[0], hashlib.sha256(" ".join(map(str, ids)).encode()).hexdigest()


def _difference(row: StoredDifference) -> Difference:
    if row.value is None or row.low is None or row.high is None or row.p is None:
        return Difference(None, row.reason)
    return Difference(ScoreDifference(row.value, (row.low, row.high), row.p))


def _computed(
    baseline: int, entries: Mapping[tuple[int, str], Entry], samples: Sequence[KnownSample]
) -> dict[tuple[int, str], Difference]:
    """Compute and store the differences of entries from a baseline."""
    ids = {baseline} | {run.pk for entry in entries.values() for run in entry.scored}
    stored = StoredResults.objects.filter(run__in=ids, code=METRICS_VERSION)
    predicted = dict(stored.values_list("run", "predicted"))
    if baseline not in predicted:  # it was deleted, or its results are not computed
        return {}
    tested = [index for index, digit in enumerate(predicted[baseline]) if digit != ABSENT]
    alike, found = {}, {}
    for key, entry in entries.items():
        own = [predicted[run.pk] for run in entry.scored if run.pk in predicted]
        if own and all(_mask(digits) == _mask(predicted[baseline]) for digits in own):
            alike[key] = [[int(digits[index]) for index in tested] for digits in own]
        else:
            found[key] = Difference(
                None, f"#{baseline} was tested on other samples, so the two cannot be paired."
            )
    true, subjects = [samples[i].true for i in tested], [samples[i].subject for i in tested]
    first = [int(predicted[baseline][index]) for index in tested]
    try:
        keys = list(alike)
        for start in range(0, len(keys), AT_ONCE):
            part = keys[start : start + AT_ONCE]
            computed = differences_from_first(true, first, [alike[key] for key in part], subjects)
            found |= {key: Difference(own) for key, own in zip(part, computed, strict=True)}
    except InputError as error:  # a single subject
        found |= {key: Difference(None, str(error)) for key in alike}
    StoredDifference.objects.bulk_create(
        [_row(baseline, key, own) for key, own in found.items()], ignore_conflicts=True
    )
    return found


def _row(baseline: int, key: tuple[int, str], difference: Difference) -> StoredDifference:
    row = StoredDifference(
        baseline_id=baseline, run_id=key[0], seeds=key[1], code=METRICS_VERSION, reason=difference.reason
    )
    if difference.found:
        row.value, row.p = difference.found.value, difference.found.p
        row.low, row.high = difference.found.interval
    return row


def _mask(digits: str) -> list[bool]:
    return [digit == ABSENT for digit in digits]
