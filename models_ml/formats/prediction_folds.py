"""What the folds in a file of predictions say about the protocol that it declares."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from models_ml.config import RunConfig
from models_ml.formats.predictions import PredictedSample, VersionSample
from models_ml.formats.report import ImportReport, listed

_SHOWN = 6  # folds or subjects in a message


def check_folds(
    predictions: Sequence[PredictedSample],
    samples: Sequence[VersionSample],
    config: RunConfig,
    report: ImportReport,
    file: str = "",
) -> list[str]:
    """Return sentences on what of the declared protocol was checked, and report folds that contradict it.

    Only who was *tested* together can be checked. Who was trained on stays declared: no file of predictions shows it.

    Parameters
    ----------
    predictions
        One per tested sample.
    samples
        All samples of the version, in its order.
    config
        Declares the protocol; nothing else of it is read.

    Examples
    --------
    >>> samples = [VersionSample(n, "SMIC", f"s{n}", "a") for n in range(2)]
    >>> own = [PredictedSample(n, 0, None, f"fold {n}", n + 1) for n in range(2)]
    >>> check_folds(own, samples, RunConfig(), ImportReport())[0]
    'The 2 folds test one subject each, and no subject is in two folds.'
    """
    given = [prediction for prediction in predictions if prediction.fold]
    unverified = "Predictions do not show who was trained on. That no held-out subject was, is declared and not verified."
    if not given:
        return ["The file gives no folds, so nothing of the protocol was checked.", unverified]
    if len(given) < len(predictions):
        rows = listed([str(p.row) for p in predictions if not p.fold], _SHOWN)
        report.error(
            "fold-missing",
            f"Some rows have a fold, others have none: rows {rows}. Give all or none.",
            file=file,
        )
        return []
    tested = []
    for prediction in given:
        sample = samples[prediction.index]
        tested.append((prediction.fold, f"{sample.database}/{sample.subject}", sample.database))
    wrong = list(_contradictions(config, tested))
    for code, message in wrong:
        report.error(code, message, file=file, column="fold")
    return [] if wrong else [_said(config, len({fold for fold, _, _ in tested})), unverified]


def _contradictions(config: RunConfig, tested: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """Yield code and message of what the folds contradict. ``tested`` has fold, subject and database of each sample."""
    names = {fold for fold, _, _ in tested}
    if config.protocol == "cross":
        if len(names) > 1:
            yield "folds-number", f"The declared protocol tests in one fold, but the file has {len(names)}."
        return
    if config.protocol == "kfold" and len(names) != config.folds:
        yield (
            "folds-number",
            f"The declared protocol has {config.folds} folds, but the file has {len(names)}.",
        )
    if split := _several((subject, fold) for fold, subject, _ in tested):
        yield (
            "subject-in-two-folds",
            f"{len(split)} {'subject is' if len(split) == 1 else 'subjects are'} tested in more than one fold, so other "
            f"samples of them were trained on: {listed(list(split), _SHOWN)}. The declared protocol keeps each "
            "subject in one fold.",
        )
    if config.protocol == "kfold":
        return
    what, place = ("subject", 1) if config.protocol == "loso" else ("database", 2)
    for fold, held in _several((row[0], row[place]) for row in tested).items():
        yield (
            "fold-mixes",
            f"The fold “{fold}” tests {len(held)} {what}s ({listed(held, _SHOWN)}). The declared protocol holds out "
            f"one {what} per fold.",
        )
    if config.protocol == "lodo" and not split:
        for database, own in _several((database, fold) for fold, _, database in tested).items():
            yield (
                "database-in-two-folds",
                f"“{database}” is tested in {len(own)} folds. The declared protocol holds out whole databases.",
            )


def _several(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the keys that have more than one value, with their values."""
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: sorted(values) for key, values in sorted(found.items()) if len(values) > 1}


def _said(config: RunConfig, count: int) -> str:
    if config.protocol == "loso":
        return f"The {count} folds test one subject each, and no subject is in two folds."
    if config.protocol == "lodo":
        return f"The {count} folds test one database each, and no subject is in two folds."
    if config.protocol == "kfold":
        return f"There are {count} folds, and no subject is in two of them."
    return "All samples of the databases to test on are in one fold."
