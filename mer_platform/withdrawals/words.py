"""Replacing the names of a person and of their files in texts by a pseudonym."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Any

LEAST_LETTERS = 4  # a shorter name is part of too many other words to replace it everywhere
_EDGE_BEFORE, _EDGE_AFTER = r"(?<![^\W_])", r"(?![^\W_])"


@dataclass(frozen=True)
class Names:
    """All that names a person: database and subject, the names of clips, and the names of their files."""

    database: str
    subject: str
    clips: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    pseudonym: str = ""
    taken: frozenset[str] = field(default_factory=frozenset)
    """Words that mean something else in the project, in lower case: names of others, emotions, classes."""

    @classmethod
    def of(
        cls,
        database: str,
        subject: str,
        clips: Iterable[str],
        files: Iterable[str],
        pseudonym: str,
        taken: Collection[str],
    ) -> "Names":
        """Return the names with file names also without their suffix; parents of paths are names of others."""
        stems = {stem for file in files for stem in (file, PurePath(file).stem)}
        return cls(
            database,
            subject,
            tuple(sorted(set(clips))),
            tuple(sorted(stems)),
            pseudonym,
            frozenset(word.casefold() for word in taken),
        )

    def is_distinct(self, name: str) -> bool:
        """Return whether a name means the person everywhere."""
        letters = sum(character.isalpha() for character in name)
        return letters > 0 and len(name) >= LEAST_LETTERS and name.casefold() not in self.taken

    @cached_property
    def distinct(self) -> list[str]:
        """The names that are replaced everywhere, the longest first."""
        found = {name for name in (self.subject, *self.clips, *self.files) if self.is_distinct(name)}
        return sorted(found, key=lambda name: (-len(name), name))

    def text(self, text: str, about_person: bool = False) -> str:
        """Return a text with the pseudonym in place of each name.

        ``about_person``: the text belongs to a row about the person, so that short names are names too.
        """
        if not text or not self.subject:
            return text
        text = self._path.sub(self._renamed_path, text)
        return self._words(about_person).sub(self.pseudonym, text)

    def json(self, value: Any, about_person: bool = False) -> Any:
        """Return JSON with the pseudonym in place of each name, in values and keys."""
        match value:
            case str():
                return self.text(value, about_person)
            case list():
                if value[:2] == [self.database, self.subject]:  # the scope of a rule: database, subject, clip
                    return [self.database, *[self.pseudonym] * (len(value) - 1)]
                return [self.json(part, about_person) for part in value]
            case dict():
                return self._object(value, about_person)
        return value

    def _object(self, value: dict[str, Any], about_person: bool) -> dict[str, Any]:
        mine = value.get("subject") == self.subject
        mine = mine and str(value.get("database", self.database)) == self.database
        about_person = about_person or mine
        found = {self.text(key, about_person): self.json(part, about_person) for key, part in value.items()}
        return {**found, "subject": self.pseudonym} if mine else found

    @cached_property
    def _path(self) -> re.Pattern[str]:
        """Matches “database/subject” and “database/subject/clip”, which name the person however short the names are."""
        clips = "|".join(_forms(name) for name in sorted(self.clips, key=len, reverse=True) if name)
        tail = rf"(?:(\s*/\s*)(?:{clips}){_EDGE_AFTER})?" if clips else "()"
        start = rf"((?:{_forms(self.database)})\s*/\s*)(?:{_forms(self.subject)}){_EDGE_AFTER}"
        return re.compile(start + tail, re.IGNORECASE)

    def _renamed_path(self, found: re.Match[str]) -> str:
        tail = f"{found[2]}{self.pseudonym}" if found[2] else ""
        return f"{found[1]}{self.pseudonym}{tail}"

    def _words(self, about_person: bool) -> re.Pattern[str]:
        return self._all_words if about_person else self._distinct_words

    @cached_property
    def _distinct_words(self) -> re.Pattern[str]:
        return _any_of(self.distinct)

    @cached_property
    def _all_words(self) -> re.Pattern[str]:
        return _any_of(
            {name for name in (self.subject, *self.clips, *self.files) if name.casefold() not in self.taken}
            | {self.subject}
        )


def _forms(name: str) -> str:
    """Return a pattern of a name: as it is, and as in JSON that escapes letters of other alphabets."""
    return "|".join(re.escape(form) for form in dict.fromkeys((name, json.dumps(name)[1:-1])))


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    parts = [_forms(name) for name in sorted(names, key=len, reverse=True) if name]
    if not parts:
        return re.compile(r"(?!)")
    return re.compile(f"{_EDGE_BEFORE}(?:{'|'.join(parts)}){_EDGE_AFTER}", re.IGNORECASE)
