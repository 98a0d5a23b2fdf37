"""Predictions that other code made for the samples of a composite version: read, checked and put in the version's order.

A row names a sample by its number in the version (from 0) or by database, subject and clip, and gives the predicted class,
the probability of each class, or both. The checks never use the true labels, so what they say gives none away.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.formats.cells import SheetRow
from models_ml.formats.csv_text import unguard_formula
from models_ml.formats.plain_text import plain
from models_ml.formats.prediction_tables import PROBABILITIES, PredictionTable
from models_ml.formats.report import ImportReport, listed

# Probabilities that were rounded to two decimals sum to 1 ± 0.015; those of a softmax in float16 to 1 ± 0.003.
SUM_TOLERANCE = 0.02
NAMED = 20  # samples in one message


@dataclass(frozen=True)
class VersionSample:
    """A sample as the reader needs it. ``words`` are the emotions of its database that stand for a class."""

    index: int
    database: str
    subject: str
    name: str
    words: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"{self.index} ({self.database}/{self.subject}/{self.name})"


@dataclass(frozen=True)
class PredictedSample:
    """The prediction of one sample.

    Attributes
    ----------
    index
        Number of the sample in the version, from 0.
    predicted
        Position of the predicted class in ``CLASSES``.
    probabilities
        One per class, summing to 1; None if the file gives none.
    fold
        Name of the fold; empty if the file gives none.
    row
        Row in the file.
    """

    index: int
    predicted: int
    probabilities: tuple[float, ...] | None
    fold: str
    row: int


def check_predictions(
    table: PredictionTable,
    samples: Sequence[VersionSample],
    tested: frozenset[int],
    report: ImportReport,
    version_hash: str = "",
) -> list[PredictedSample]:
    """Return one prediction per tested sample, in the version's order, and report each row that is wrong.

    Parameters
    ----------
    table
        Rows of a file, or of JSON.
    samples
        All samples of the version, in its order.
    tested
        Numbers of the samples that the declared protocol tests. Each must be predicted: scores of some samples could be
        those that a method is good at, and would not compare with runs that predict all.
    report
        Receives the problems. If it has errors, the result is not complete.
    version_hash
        Content hash of the version; a file with the column ``version_sha256`` must have been made for it.

    Raises
    ------
    InputError
        The file was made for another version.

    Examples
    --------
    >>> from models_ml.formats.prediction_tables import read_rows
    >>> report = ImportReport()
    >>> table = read_rows([{"sample": 0, "p_negative": 0.2, "p_positive": 0.7, "p_surprise": 0.1}], report)
    >>> check_predictions(table, [VersionSample(0, "SMIC", "s1", "po_1")], frozenset({0}), report)
    [PredictedSample(index=0, predicted=1, probabilities=(0.2, 0.7, 0.1), fold='', row=1)]
    """
    _check_version(table, version_hash)
    reader = _Reader(table, samples, report)
    found: dict[int, PredictedSample] = {}
    for row in table.rows:
        prediction = reader.read(row)
        if prediction is None:
            continue
        sample = samples[prediction.index]
        if prediction.index in found:
            reader.error(
                row, "sample-twice", f"The sample {sample} was already predicted in row {found[sample.index].row}. "
                "Keep one of the rows.", "sample",
            )  # fmt: skip
        elif prediction.index not in tested:
            reader.error(
                row, "sample-not-tested",
                f"The sample {sample} is trained on, not tested, under the declared protocol. Leave it out.", "sample",
            )  # fmt: skip
        else:
            found[prediction.index] = prediction
    reader.report_rounding()
    if not reader.failed:  # a row that cannot be read is not a missing sample too
        missing = [str(samples[index]) for index in sorted(tested - found.keys())]
        if missing:
            report.error(
                "samples-missing",
                f"{len(missing):,} of {len(tested):,} samples are not predicted: {listed(missing, NAMED)}. Predict them "
                "too. If your method cannot, make a version without them, so that all runs are tested on the same samples.",
                file=table.name,
            )
    return [found[index] for index in sorted(found)]


def _check_version(table: PredictionTable, version_hash: str) -> None:
    if not version_hash or "version" not in table.columns:
        return
    for row in table.rows:
        text = str(row.cells.get("version") or "").strip().lower()
        if text and not version_hash.startswith(text):
            raise InputError(
                f"{table.called} was made for another version: row {row.number} has the hash {text[:12]}, this version has "
                f"{version_hash[:12]}. Upload it at its own version, or predict the samples of this one."
            )


class _Reader:
    """Reads rows one by one. ``failed`` counts the rows that cannot be read."""

    def __init__(
        self, table: PredictionTable, samples: Sequence[VersionSample], report: ImportReport
    ) -> None:
        self.table, self.samples, self.report = table, samples, report
        self.failed = 0
        self.rounded = 0
        self.numbered = _uses_numbers(table)
        self.by_name: dict[tuple[str, ...], list[int]] = {}
        for sample in samples:
            for key in _names(sample.database, sample.subject, sample.name):
                self.by_name.setdefault(key, []).append(sample.index)
        if self.numbered:
            meaning = ", ".join(f"{number} as {name}" for number, name in enumerate(CLASSES))
            report.warning(
                "classes-as-numbers", f"The predicted classes are numbers. They are read as follows: {meaning}.",
                file=table.name, column=table.columns["predicted"],
            )  # fmt: skip

    def error(self, row: SheetRow, code: str, message: str, key: str = "") -> None:
        column = self.table.columns.get(key, "")
        self.report.error(code, message, file=self.table.name, row=row.number, column=column)
        self.failed += 1

    def read(self, row: SheetRow) -> PredictedSample | None:
        """Return the prediction of a row; None if something in it is wrong, after reporting it."""
        before = self.failed
        index = self._sample(row)
        predicted = self._predicted(row, index)
        probabilities = self._probabilities(row)
        if self.failed > before or index is None:
            return None
        if probabilities is not None:
            likeliest = max(range(len(CLASSES)), key=lambda number: probabilities[number])
            predicted = likeliest if predicted is None else predicted
            if probabilities[predicted] < probabilities[likeliest]:
                self.report.warning(
                    "predicted-unlikely",
                    f"“{CLASSES[predicted]}” is predicted, but “{CLASSES[likeliest]}” has a higher probability. The "
                    "predicted class counts.",
                    file=self.table.name, row=row.number, column=self.table.columns["predicted"],
                )  # fmt: skip
        if predicted is None:
            self.error(row, "prediction-missing", "The row has no predicted class.", "predicted")
            return None
        fold = unguard_formula(row.text("fold", self.report))[:300]
        return PredictedSample(index, predicted, probabilities, fold, row.number)

    def report_rounding(self) -> None:
        if self.rounded:
            self.report.info(
                "probabilities-scaled",
                f"The probabilities of {self.rounded:,} rows sum to 1 only approximately, as rounded numbers do. They are "
                "divided by their sum.",
                file=self.table.name,
            )

    def _sample(self, row: SheetRow) -> int | None:
        """Return the number of the row's sample. If the row also names it, both must agree."""
        named = [unguard_formula(row.text(key, self.report)) for key in ("database", "subject", "clip")]
        text = row.text("sample", self.report)
        if not text:
            return self._named(row, *named)
        number = re.sub(r"\.0*$", "", plain(text))
        if not re.fullmatch(r"\d{1,9}", number):
            self.error(row, "sample-unknown", f"“{_cut(text)}” is not the number of a sample.", "sample")
            return None
        if int(number) >= len(self.samples):
            self.error(
                row, "sample-unknown", f"The version has no sample {int(number)}: its samples are numbered from 0 to "
                f"{len(self.samples) - 1}.", "sample",
            )  # fmt: skip
            return None
        sample = self.samples[int(number)]
        own = (sample.database, sample.subject, sample.name)
        if any(given and _same(given) != _same(name) for given, name in zip(named, own, strict=True)):
            self.error(
                row, "sample-contradicts-name",
                f"The row has the number {sample.index}, which is {'/'.join(own)}, and the name "
                f"{_cut('/'.join(name for name in named if name))}. Correct one of them.", "sample",
            )  # fmt: skip
            return None
        return sample.index

    def _named(self, row: SheetRow, database: str, subject: str, clip: str) -> int | None:
        if not clip:
            self.error(
                row,
                "sample-missing",
                "The row names no sample.",
                "sample" if "sample" in self.table.columns else "clip",
            )
            return None
        called = _cut("/".join(part for part in (database, subject, clip) if part))
        found = self.by_name.get((_same(database), _same(subject), _same(clip)), [])
        if not found:
            self.error(row, "sample-unknown", f"The version has no sample “{called}”.", "clip")
        elif len(found) > 1:
            numbers = listed([str(index) for index in found])
            self.error(
                row, "sample-ambiguous",
                f"“{called}” stands for {len(found)} samples (numbers {numbers}). Give database and subject, and the number "
                "in a column “sample” where a clip has several samples.", "clip",
            )  # fmt: skip
        else:
            return found[0]
        return None

    def _predicted(self, row: SheetRow, index: int | None) -> int | None:
        text = row.text("predicted", self.report)
        if not text:
            return None
        word = _same(text)
        if self.numbered:
            word = CLASSES[int(re.sub(r"\.0*$", "", word))]
        elif index is not None:
            word = self.samples[index].words.get(word, word)
        if word in CLASSES:
            return CLASSES.index(word)
        self.error(
            row, "class-unknown", f"“{_cut(text)}” is not a class. Write {', '.join(CLASSES[:-1])} or {CLASSES[-1]}.",
            "predicted",
        )  # fmt: skip
        return None

    def _probabilities(self, row: SheetRow) -> tuple[float, ...] | None:
        if PROBABILITIES[0] not in self.table.columns:
            return None
        before = self.failed
        values = [value for key in PROBABILITIES if (value := self._probability(row, key)) is not None]
        if self.failed > before:
            return None
        total = math.fsum(values)
        if abs(total - 1) > SUM_TOLERANCE:
            self.error(
                row, "probabilities-sum", f"The probabilities sum to {total:.4g}, but must sum to 1 (±{SUM_TOLERANCE:g}).",
                PROBABILITIES[0],
            )  # fmt: skip
            return None
        self.rounded += abs(total - 1) > 1e-6
        return tuple(value / total for value in values) if abs(total - 1) > 1e-12 else tuple(values)

    def _probability(self, row: SheetRow, key: str) -> float | None:
        text = plain(row.text(key, self.report)).replace(" ", "")
        if not text:
            self.error(row, "probability-missing", "The probability is empty or not a number (NaN).", key)
            return None
        try:
            value = float(re.sub(r"^([+-]?\d*),(\d+)$", r"\1.\2", text))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.error(row, "probability-unreadable", f"“{_cut(text)}” is not a number.", key)
        elif not 0 <= value <= 1:
            self.error(
                row, "probability-range", f"The probability {value:g} is not between 0 and 1. Of logits, give the softmax; "
                "divide percentages by 100.", key,
            )  # fmt: skip
        else:
            return value
        return None


def _uses_numbers(table: PredictionTable) -> bool:
    """Return whether all predicted classes are the numbers 0, 1 and 2."""
    if "predicted" not in table.columns:
        return False
    quiet = ImportReport()
    texts = {row.text("predicted", quiet) for row in table.rows} - {""}
    return bool(texts) and all(re.fullmatch(r"[012](\.0*)?", plain(text)) for text in texts)


def _names(database: str, subject: str, name: str) -> Iterator[tuple[str, ...]]:
    """Yield what a row can give to name a sample: the clip, with or without its database and subject."""
    full = _same(database), _same(subject), _same(name)
    yield full
    yield "", full[1], full[2]
    yield full[0], "", full[2]
    yield "", "", full[2]


def _same(text: str) -> str:
    """Return a name or word for comparison: without case, outer blanks and differences of width.

    >>> _same(" Sub 01 ") == _same("sub  01")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
