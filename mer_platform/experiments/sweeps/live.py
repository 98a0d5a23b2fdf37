"""What the page of an experiment fetches of its folds during training: one letter per fold, and only changed runs."""

from typing import Any
from zlib import crc32

from django.db.models import Count

from mer_platform.experiments.models import Experiment, Fold, Run

LETTERS = {
    Fold.State.WAITING: "w",
    Fold.State.RUNNING: "r",
    Fold.State.DONE: "d",
    Fold.State.FAILED: "f",
}
NOT_TRAINED = "c"  # its run was cancelled or failed first
BLOCKS = 64  # the page's knowledge is compared in this many blocks of runs


def changes(experiment: Experiment, seen: str) -> dict[str, Any]:
    """Return the runs that have changed since ``seen``, which an earlier answer contained; all of them if it is empty.

    ``runs`` is a list of [id, one letter per fold in order, state, state in words]; ``seen`` is for the next request;
    ``counts`` has the number of folds by letter, and ``scored`` the number of runs with scores.
    """
    rows = _rows(experiment)
    size = max(1, -(-len(rows) // BLOCKS))
    blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
    digests = [f"{crc32(repr(block).encode()) & 0xFFFF:04x}" for block in blocks]
    known = [seen[start : start + 4] for start in range(0, len(seen), 4)]
    if len(known) != len(digests):
        known = [""] * len(digests)
    changed = [block for block, digest, old in zip(blocks, digests, known, strict=True) if digest != old]
    folds = "".join(letters for _, letters, *_ in rows)
    return {
        "runs": [row for block in changed for row in block],
        "seen": "".join(digests),
        "counts": {letter: folds.count(letter) for letter in (*LETTERS.values(), NOT_TRAINED)},
        "scored": sum(state == Run.State.FINISHED or state == Run.State.FINISHING for _, _, state, _ in rows),
    }


def _rows(experiment: Experiment) -> list[tuple[int, str, str, str]]:
    runs = experiment.runs.order_by("pk").annotate(fold_count=Count("folds"))
    # All folds of a run that has not started, or is done, are in one state, so they need not be read.
    mixed = [Run.State.TRAINING, Run.State.FAILED, Run.State.CANCELLED]
    letters: dict[int, list[str]] = {}
    folds = Fold.objects.filter(run__experiment=experiment, run__state__in=mixed)
    for run_id, state in folds.order_by("run", "index").values_list("run", "state"):
        letters.setdefault(run_id, []).append(LETTERS[Fold.State(state)])
    rows = []
    for run in runs:
        letter = LETTERS[Fold.State.WAITING if run.state == Run.State.FEATURES else Fold.State.DONE]
        text = "".join(letters.get(run.pk, [])) if run.state in mixed else letter * run.fold_count
        if run.state in (Run.State.CANCELLED, Run.State.FAILED):
            text = text.replace(LETTERS[Fold.State.WAITING], NOT_TRAINED)
        started = run.state != Run.State.TRAINING or set(text) != {LETTERS[Fold.State.WAITING]}
        words = str(run.get_state_display()) if started else "waiting"
        rows.append((run.pk, text, run.state if started else "waiting", words))
    return rows


def describe_fold(fold: Fold) -> str:
    """Describe one fold in a sentence or two."""
    run = fold.run
    about = f"{fold.name} held out, {run}: "
    if fold.state == Fold.State.DONE:
        loss = f", training loss {fold.losses[-1]:.3f} after {len(fold.losses)} epochs" if fold.losses else ""
        epoch = f"; epoch {fold.epoch} is used" if fold.epoch and fold.epoch != len(fold.losses) else ""
        return f"{about}done in {fold.seconds or 0:.1f} s{loss}{epoch}."
    if fold.state == Fold.State.RUNNING:
        return f"{about}training, {fold.epochs_done} of {run.settings.train.epochs} epochs done."
    if run.state == Run.State.FAILED:
        return f"{about}not trained, because the run failed. {run.error}"
    if run.state == Run.State.CANCELLED:
        return f"{about}not trained, because the run was cancelled."
    return f"{about}waiting{' for its features' if run.state == Run.State.FEATURES else ''}."
