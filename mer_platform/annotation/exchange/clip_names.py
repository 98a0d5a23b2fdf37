"""Finding the clip that a file names: by its content, or by its name with subject and database where the file gives them."""

import re
from collections import defaultdict
from functools import cached_property
from pathlib import PurePath

from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from models_ml.formats.base import Marked
from models_ml.formats.report import ImportReport, listed


class ClipNames:
    """The clips of a project by their content and by each name that a file can give them."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def find(self, row: Marked, report: ImportReport) -> Clip | None:
        """Return the ready clip that the row names; None after reporting why there is none."""
        found = self._by_content(row) if row.sha256 else self._named(row)
        if (
            row.sha256
            and not found
            and any(_same_names(row, clip) for clip in self._by_name[plain(row.clip)])
        ):
            message = f"The clip named “{row.clip}” in this project is not the same file, so its frames may not match."
            report.error("clip-differs", message, column="sha256", **row.where())
        elif len(found) > 1:
            candidates = listed(sorted(map(str, found)), 4)
            message = (
                f"“{row.clip}” can be {candidates}. State the subject and the database, or name the media file "
                f"subject_clip, for example “{found[0].subject.name}_{found[0].name}”."
            )
            report.error("clip-ambiguous", message, column="filename", **row.where())
        elif not found:
            report.error("clip-unknown", self._not_found(row), column="filename", **row.where())
        elif found[0].state != Clip.State.READY:
            message = f"{found[0]} is {found[0].state}, so its frames are not known. Import the row when it is ready."
            report.error("clip-not-ready", message, column="filename", **row.where())
        else:
            return found[0]
        return None

    @cached_property
    def _clips(self) -> list[Clip]:
        clips = Clip.objects.filter(project=self._project)
        return list(clips.select_related("subject__database", "project"))

    @cached_property
    def _contents(self) -> dict[str, Clip]:
        return {clip.sha256: clip for clip in self._clips}

    @cached_property
    def _by_name(self) -> defaultdict[str, list[Clip]]:
        names: defaultdict[str, list[Clip]] = defaultdict(list)
        for clip in self._clips:
            for name in {plain(name) for name in _names(clip)}:
                names[name].append(clip)
        return names

    @cached_property
    def _by_cleaned_name(self) -> defaultdict[str, list[Clip]]:
        names: defaultdict[str, list[Clip]] = defaultdict(list)
        for clip in self._clips:
            for name in {_cleaned(name) for name in _names(clip)}:
                names[name].append(clip)
        return names

    def _by_content(self, row: Marked) -> list[Clip]:
        return [clip] if (clip := self._contents.get(row.sha256)) else []

    def _named(self, row: Marked) -> list[Clip]:
        """Return the clips of the first of the row's names that the project knows."""
        names = (row.clip, *row.others)
        exact = (self._by_name.get(plain(name), []) for name in names)
        cleaned = (self._by_cleaned_name.get(_cleaned(name), []) for name in names)
        return next((found for named in (*exact, *cleaned) if (found := _of_subject(row, named))), [])

    def _not_found(self, row: Marked) -> str:
        names = f"“{row.clip}”"
        names += f" of subject “{row.subject}”" if row.subject else ""
        names += f" in a database “{row.database}”" if row.database else ""
        others = [clip for clip in self._by_name.get(plain(row.clip), ()) if row.subject or row.database]
        hint = f" It does have {listed(sorted(map(str, others)), 3)}." if others else ""
        return f"This project has no clip {names}.{hint} Upload it first, or correct the name in the file."


def plain(name: str) -> str:
    """Return the name without differences in case and blanks."""
    return " ".join(name.split()).casefold()


def _of_subject(row: Marked, named: list[Clip]) -> list[Clip]:
    """Return the clips of the row's subject and database. A subject is also found by its number ("1" for sub01)."""
    found = [c for c in named if not row.database or plain(c.database.name) == plain(row.database)]
    if not row.subject:
        return found
    exact = [clip for clip in found if plain(clip.subject.name) == plain(row.subject)]
    number = _number(row.subject)
    return exact or [clip for clip in found if number and _number(clip.subject.name) == number]


def _names(clip: Clip) -> list[str]:
    subject = clip.subject.name
    stem = PurePath(clip.original_name).stem
    return [clip.name, stem, *(f"{subject}{between}{clip.name}" for between in ("_", "-", "/", " "))]


def _cleaned(name: str) -> str:
    """Return the name as upload forms clean it: signs other than letters and digits count as one and the same.

    >>> _cleaned("EP02 (1)"), _cleaned("EP02_1")
    ('ep02_1', 'ep02_1')
    """
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _number(subject: str) -> str:
    """Return the subject's number without prefix and leading zeros; "" if there is none.

    >>> _number("sub01"), _number("6"), _number("006"), _number("anna"), _number("a1b2")
    ('1', '6', '6', '', '')
    """
    match = re.fullmatch(r"(?:sub(?:ject)?|s)?[ _]?0*([1-9]\d{0,5})", subject.strip().lower())
    return match[1] if match else ""


def _same_names(row: Marked, clip: Clip) -> bool:
    same_subject = plain(clip.subject.name) == plain(row.subject)
    return same_subject and plain(clip.database.name) == plain(row.database)
