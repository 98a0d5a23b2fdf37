"""Predictions from a training loop: collected fold by fold, and stored as an external run at the end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mer_client.errors import MerError
from mer_client.tables import rows_of

if TYPE_CHECKING:
    from mer_client.client import Client


class PredictionLog:
    """Collects the predictions of a training loop, and stores them as an external run once all folds are there.

    Each call of ``add`` is written to a file at once. If the training is stopped, start it again with the same file:
    ``folds`` says which folds are there already. The platform takes predictions of all samples only, so nothing is sent
    before ``store``, which the end of a ``with`` block calls if no error was raised.

    Parameters
    ----------
    client
        The client that stores the run.
    version
        The version, or its id.
    name
        The name of the run.
    path
        The file, one JSON object per line. Default: ``predictions-<version>-<name>.jsonl`` in the current folder.
    protocol, declared
        As for ``Client.log_predictions``.

    Examples
    --------
    >>> with mer.prediction_log(3, "Their method") as log:  # doctest: +SKIP
    ...     for fold in folds:
    ...         if fold.name not in log.folds:
    ...             log.add(test(train(fold), fold), fold=fold.name)
    """

    def __init__(
        self,
        client: Client,
        version: Any,
        name: str,
        path: str | Path | None = None,
        *,
        protocol: str = "loso",
        **declared: Any,
    ) -> None:
        self._client = client
        self._version = version
        self._name = name
        self._declared = {"protocol": protocol, **declared}
        number = version if isinstance(version, int) else version.id
        plain = "".join(letter if letter.isalnum() else "-" for letter in name)
        self.path = Path(path) if path else Path(f"predictions-{number}-{plain}.jsonl")
        self.rows = self._read(number)
        self.run: dict[str, Any] | None = None

    def _read(self, version: int) -> list[dict[str, Any]]:
        """Return the rows of an earlier training. A line that was being written when it was killed is left out."""
        header = {"version": version, "name": self._name}
        if not self.path.exists():
            self._write(header)
            return []
        lines = self.path.read_bytes().split(b"\n")
        whole, last = lines[:-1], lines[-1]
        if last:
            with self.path.open("r+b") as file:
                file.truncate(sum(len(line) + 1 for line in whole))
        if not whole:
            self._write(header)
            return []
        if json.loads(whole[0]) != header:
            raise MerError(
                f"“{self.path}” has the predictions of another version or method. Choose another file."
            )
        return [row for line in whole[1:] for row in json.loads(line)]

    def _write(self, value: Any) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(value) + "\n")
            file.flush()
            os.fsync(file.fileno())

    @property
    def folds(self) -> set[str]:
        """The folds whose predictions are there."""
        return {str(row["fold"]) for row in self.rows if "fold" in row}

    def add(self, predictions: Any, fold: str | None = None) -> None:
        """Keep predictions: a data frame or a list of dictionaries, as ``Client.log_predictions`` takes them."""
        rows = rows_of(predictions)
        if fold is not None:
            if str(fold) in self.folds:
                raise MerError(f"The predictions of the fold “{fold}” are there already.")
            rows = [{**row, "fold": str(fold)} for row in rows]
        self._write(rows)
        self.rows += rows

    def check(self) -> dict[str, Any]:
        """Return what the platform says to the predictions so far, without storing them."""
        answer: dict[str, Any] = self._client.log_predictions(
            self._version, self.rows, self._name, **{**self._declared, "dry_run": True}
        )
        return answer

    def store(self) -> dict[str, Any]:
        """Store the run, remove the file, and return the answer. The same predictions are stored once only."""
        answer: dict[str, Any] = self._client.log_predictions(
            self._version, self.rows, self._name, **self._declared
        )
        self.run = answer["run"]
        self.path.unlink(missing_ok=True)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *raised: object) -> None:
        if kind is None:
            self.store()
