"""Recording rates: reading what a person typed, and correcting the rate of a clip."""

import re
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_fields, clock_of
from mer_platform.clips.turning import is_turning
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent
from models_ml.errors import InputError

_RATE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,20})?|[0-9]{1,12}/[0-9]{1,12}")
LOWEST, HIGHEST = 1, 100_000  # frames per second


def parse_rate(text: Any) -> Fraction:
    """Return frames per second that were given as a number or as a fraction.

    Raises ValidationError for anything else.

    >>> parse_rate(200), parse_rate("29.97"), parse_rate("30000/1001")
    (Fraction(200, 1), Fraction(2997, 100), Fraction(30000, 1001))
    """
    given = str(text).strip() if isinstance(text, str | int | float) and not isinstance(text, bool) else ""
    try:  # only what the pattern allows: Fraction("1e9999999") would compute for minutes
        rate = Fraction(given) if _RATE.fullmatch(given) else Fraction(0)
    except ZeroDivisionError:
        rate = Fraction(0)
    if not LOWEST <= rate <= HIGHEST:
        raise ValidationError(
            f"The recording rate must be a number of frames per second from {LOWEST} to {HIGHEST:,}, such as 200 or "
            f"30000/1001; “{given[:30]}” was given."
        )
    return rate.limit_denominator(100_000)


def correct_rate(clip: Clip, rate: Fraction, user: Any) -> bool:
    """Set the recording rate of a ready clip; return whether it changed.

    All times of its frames change at once. What was measured at the old rate (motion curve, suggestions) is measured again
    by a job. Frozen composite versions and computed features do not depend on times: they stay as they are.

    Raises
    ------
    ValidationError
        If the clip is not ready, or its frames are missing from the storage.
    """
    with transaction.atomic():
        locked = Clip.objects.select_for_update().get(pk=clip.pk)
        if locked.state != Clip.State.READY:
            raise ValidationError(
                f"The recording rate of {clip} cannot be corrected: its state is {locked.state}. Correct it when the "
                "clip is ready, or upload the file again with its rate."
            )
        if is_turning(locked):
            raise ValidationError(f"{clip} is being turned. Correct its recording rate when that is done.")
        try:
            clock = clock_of(locked)
        except InputError as error:
            raise ValidationError(str(error)) from error
        if rate == clock.rate:
            return False
        clip.save_result(**clock_fields(clock.rerated(rate)))
        _queue_measuring(clip)
        change = f"from {float(clock.rate):g} to {float(rate):g} fps"
        AuditEvent.record(clip.project, user, f"corrected the recording rate of {clip} {change}")
    return True


def _queue_measuring(clip: Clip) -> Job:
    key = f"ingest:{clip.pk}:{clip.fps}"
    Job.objects.filter(key=key).exclude(state__in=Job.OPEN).delete()  # the rate was corrected to and fro
    return Job.enqueue("ingest", "ingest", clip.project_id, key, clip.group(), {"clip": clip.pk})
