"""From a checked request to the model and clips that it means, with a few queries for any number of items."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.files.base import File
from rest_framework.exceptions import ValidationError

from mer_platform.accounts.access import require_may
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from mer_platform.registry.models import ModelVersion
from mer_platform.registry.services import resolve
from mer_platform.scoring.intake import ARCHIVE, checked_path, clip_of, database_named, store_archive
from mer_platform.scoring.requests import MOST
from mer_platform.scoring.services import WantedClip
from mer_platform.uploads.services import take

MARKS = ("onset", "apex")


def model_of(fields: Mapping[str, Any], user: Any) -> ModelVersion:
    """Return the model that the request names. Raises ValidationError."""
    if ("model" in fields) == ("run" in fields):
        raise ValidationError({"model": ["Give either a model or a finished run."]})
    if "run" in fields:
        run = fields["run"]
        model = ModelVersion.objects.select_related("project", "run__version").filter(run=run).first()
        if model is None:
            raise ValidationError({"run": [f"This run has no model: it is {run.get_state_display()}."]})
        return model
    name, project = fields["model"], fields.get("project")
    if isinstance(name, str) and project is None:
        raise ValidationError({"project": ["State the project whose alias this is."]})
    if project is not None:
        return resolve(project, name)
    own = ModelVersion.objects.filter(project__in=Project.objects.of(user).values("pk"))
    model = own.select_related("project", "run__version").filter(pk=name).first()
    if model is None:
        raise ValidationError({"model": [f"Model {name} not found in your projects."]})
    return model


class Wanted:
    """The clips that a request wants to have scored.

    Parameters
    ----------
    project
        Of the model. All clips belong to it.
    user
        Who asks; files are uploaded in this name.
    fields
        The request, as its serializer returns it.
    """

    def __init__(self, project: Project, user: Any, fields: Mapping[str, Any]) -> None:
        self._project, self._user, self._fields = project, user, fields
        self._items: Sequence[dict[str, Any]] = fields.get("items", [])
        self._errors: dict[str, dict[int, Any]] = {}
        self.archive = ""

    def clips(self) -> list[WantedClip]:
        """Return the clips. Stores the files of the request, if everything else is correct. Raises ValidationError."""
        if not any(self._fields.get(name) for name in ("clips", "items", "files", "archive")):
            raise ValidationError({"clips": ["Give at least one clip."]})
        if any("path" in item for item in self._items):
            require_may(self._user, "imports_by")
        known = self._known_clips()
        files = self._files()
        paths = {
            number: self._checked(
                number, "path", item["path"], lambda text: checked_path(text, self._project)
            )
            for number, item in enumerate(self._items)
            if "path" in item
        }
        self._check_twice(known)
        entries = self._entries(files)
        self._check_count(len(entries) + len(files))
        self._raise_errors()
        stored = self._stored(files)
        self._raise_errors()
        wanted = [WantedClip(known[pk]) for pk in self._fields.get("clips", [])]
        for number, item in enumerate(self._items):
            if "clip" in item:
                clip, source = known[item["clip"]], ""
            elif "path" in item:
                clip, source = None, paths[number]
            elif "upload" in item:
                clip, source = stored[item["upload"]], ""
            elif item["file"] in files:
                clip, source = stored[item["file"]], ""
            else:
                clip, source = None, ARCHIVE + entries[item["file"]]
            wanted.append(self._wanted(item, clip, source))
        named = {item["file"] for item in self._items if "file" in item}
        wanted += [WantedClip(stored[name]) for name in files if name not in named]
        wanted += [
            self._wanted({}, None, ARCHIVE + entry) for name, entry in entries.items() if name not in named
        ]
        return wanted

    def _files(self) -> dict[str, File]:
        files: dict[str, File] = {}
        for position, file in enumerate(self._fields.get("files", [])):
            if file.name in files:
                self._note("files", position, [f"Several files are named “{file.name}”. Rename them."])
            files[file.name or ""] = file
        return files

    def _wanted(self, item: Mapping[str, Any], clip: Clip | None, source: str) -> WantedClip:
        texts = {name: item.get(name, "") for name in ("name", "subject")}
        rate = item.get("fps", self._fields.get("fps"))
        return WantedClip(clip, item.get("onset"), item.get("apex"), source=source, fps=rate, **texts)

    def _known_clips(self) -> dict[int, Clip]:
        """Return the clips that the request names by id, and note all ids that are not of this project."""
        ids = self._fields.get("clips", [])
        wanted = {*ids, *(item["clip"] for item in self._items if "clip" in item)}
        found = Clip.objects.filter(pk__in=wanted, project__in=Project.objects.of(self._user).values("pk"))
        known = {clip.pk: clip for clip in found}
        for number, pk in enumerate(ids):
            if problem := self._clip_problem(known.get(pk), pk):
                self._note("clips", number, problem)
        for number, item in enumerate(self._items):
            if "clip" not in item:
                continue
            clip = known.get(item["clip"])
            if problem := self._clip_problem(clip, item["clip"]):
                self._note("items", number, {"clip": problem})
            elif clip is not None and clip.state == Clip.State.READY:
                self._check_marks(number, item, clip)
        return known

    def _clip_problem(self, clip: Clip | None, pk: int) -> list[str]:
        if clip is None:
            return [f"Clip {pk} not found in your projects."]
        if clip.project_id != self._project.pk:
            return [f"Clip {pk} is not in the model's project, {self._project}."]
        return []

    def _check_marks(self, number: int, item: Mapping[str, Any], clip: Clip) -> None:
        outside = {
            mark: [f"Frame {item[mark]} is not in this clip: its frames are 0–{clip.frame_count - 1}."]
            for mark in MARKS
            if mark in item and item[mark] >= clip.frame_count
        }
        if outside:
            self._note("items", number, outside)

    def _check_twice(self, known: Mapping[int, Clip]) -> None:
        """Note clips that are given more than once, unless it is for other frames: a clip can show several expressions."""
        seen: set[tuple[Any, ...]] = set()
        for number, pk in enumerate(self._fields.get("clips", [])):
            if pk in known and (pk, None, None) in seen:
                self._note("clips", number, [f"Clip {pk} is given more than once."])
            seen.add((pk, None, None))
        for number, item in enumerate(self._items):
            place = next(name for name in ("clip", "upload", "file", "path") if name in item)
            marks = (item.get("onset"), item.get("apex"))
            key = (item[place], *marks) if place == "clip" else (place, item[place], *marks)
            if key in seen:
                self._note(
                    "items", number, {place: [f"“{item[place]}” is given more than once with these frames."]}
                )
            seen.add(key)

    def _entries(self, files: Mapping[str, File]) -> dict[str, str]:
        """Store the zip of clips, if there is one, and note the names that neither it nor the files have."""
        entries: dict[str, str] = {}
        if "archive" in self._fields and not self._errors:
            self.archive, clips = store_archive(self._fields["archive"])
            entries = {name: name for name in clips}
        for number, item in enumerate(self._items):
            if "file" in item and item["file"] not in files and item["file"] not in entries:
                self._note("items", number, {"file": [f"The request has no file “{item['file']}”."]})
        return entries

    def _stored(self, files: Mapping[str, File]) -> dict[str, Clip]:
        """Store the uploads and uploaded files as clips, and return them by the files' names and the uploads' ids."""
        stored: dict[str, Clip] = {}
        described = {
            item["file"]: (number, item) for number, item in enumerate(self._items) if "file" in item
        }
        for position, (name, file) in enumerate(files.items()):
            number, item = described.get(name, (-1, {}))
            where = ("items", number) if number >= 0 else ("files", position)
            with self._noting(*where):
                stored[name] = self._clip_of(file, item)
        for number, item in enumerate(self._items):
            if "upload" in item and item["upload"] not in stored:
                with self._noting("items", number), take(item["upload"], self._user, self._project) as file:
                    stored[item["upload"]] = self._clip_of(file, item)
        return stored

    def _clip_of(self, file: File, item: Mapping[str, Any]) -> Clip:
        database = database_named(self._project, self._fields.get("database", ""))
        rate = item.get("fps", self._fields.get("fps"))
        return clip_of(
            database, file, self._user, name=item.get("name", ""), subject=item.get("subject", ""), fps=rate
        )

    def uploads(self) -> set[str]:
        """Return the ids of the uploads that the request uses."""
        return {item["upload"] for item in self._items if "upload" in item}

    @contextmanager
    def _noting(self, field: str, number: int) -> Iterator[None]:
        try:
            yield
        except DjangoValidationError as error:
            self._note(field, number, error.message_dict)

    def _check_count(self, new: int) -> None:
        count = len(self._fields.get("clips", [])) + len(self._items) + new
        if count > MOST:
            raise ValidationError(
                {"items": [f"A batch has at most {MOST:,} items; these are {count:,}. Split them."]}
            )

    def _checked(self, number: int, field: str, text: str, check: Callable[[str], str]) -> str:
        try:
            return check(text)
        except DjangoValidationError as error:
            self._note("items", number, {field: error.messages})
            return ""

    def _note(self, field: str, number: int, problem: Any) -> None:
        self._errors.setdefault(field, {}).setdefault(number, problem)

    def _raise_errors(self) -> None:
        if self._errors:
            raise ValidationError(self._errors)  # type: ignore[arg-type]
