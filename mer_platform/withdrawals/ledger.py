"""The list of withdrawals outside of the database: a restored backup does not know those that came after it.

One small file per withdrawal, in the storage and in each backup. It holds no name: a salted hash recognises the person.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pydantic import BaseModel, ConfigDict, ValidationError

from mer_platform.projects.models import Project
from mer_platform.storage import stored_names
from mer_platform.withdrawals.models import Withdrawal

log = logging.getLogger(__name__)

FOLDER = "withdrawals"


class Entry(BaseModel):
    """What is needed to withdraw a person again."""

    model_config = ConfigDict(extra="ignore")

    key: str
    project: str
    database: str
    pseudonym: str
    salt: str
    name_hash: str
    contents: list[str]
    retired_models: bool
    erased_weights: bool
    withdrawn_at: str

    @classmethod
    def of(cls, withdrawal: Withdrawal) -> "Entry":
        return cls(
            key=str(withdrawal.key), project=withdrawal.place, database=withdrawal.database,
            pseudonym=withdrawal.pseudonym, salt=withdrawal.salt, name_hash=withdrawal.name_hash,
            contents=withdrawal.contents, retired_models=withdrawal.retired_models,
            erased_weights=withdrawal.erased_weights, withdrawn_at=withdrawal.withdrawn_at.isoformat(),
        )  # fmt: skip

    @property
    def file(self) -> str:
        return f"{FOLDER}/{self.key}.json"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def withdrawal(self, project: Project | None) -> Withdrawal:
        """Return the withdrawal as a row that is not stored."""
        return Withdrawal(
            key=self.key, project=project, place=self.project, database=self.database, pseudonym=self.pseudonym,
            salt=self.salt, name_hash=self.name_hash, contents=self.contents, retired_models=self.retired_models,
            erased_weights=self.erased_weights, withdrawn_at=datetime.fromisoformat(self.withdrawn_at),
        )  # fmt: skip


def keep(withdrawal: Withdrawal) -> None:
    """Write the withdrawal to the list."""
    write(Entry.of(withdrawal))


def write(entry: Entry) -> None:
    text = json.dumps({"withdrawal": entry.model_dump(), "sha256": entry.digest}, indent=1)
    default_storage.save(entry.file, ContentFile(text.encode()))


def entries() -> Iterator[Entry]:
    """Yield the withdrawals on the list. A damaged file is left out, and logged."""
    for name in sorted(stored_names(FOLDER)):
        if not name.endswith(".json"):
            continue
        with default_storage.open(name) as file:
            entry = read(file.read())
        if entry is None:
            log.error("The list of withdrawals has a damaged file, %s: restore it from a backup.", name)
        else:
            yield entry


def read(content: bytes) -> Entry | None:
    """Return the entry in a file of the list; None if it is damaged."""
    try:
        stored: Any = json.loads(content)
        entry = Entry.model_validate(stored["withdrawal"])
    except (ValueError, KeyError, TypeError, ValidationError):
        return None
    return entry if entry.digest == stored.get("sha256") else None


def add(found: Iterable[Entry]) -> None:
    """Write those entries that the list does not have."""
    for entry in found:
        if not default_storage.exists(entry.file):
            write(entry)


def write_missing() -> None:
    """Write the withdrawals that the database has and the list does not."""
    add(Entry.of(withdrawal) for withdrawal in Withdrawal.objects.all())
