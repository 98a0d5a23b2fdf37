"""Plans the items of an import from what a layout reader found: checks names, converts frames, compares the project."""

from collections import Counter
from typing import Any

from django.db.models import Count, QuerySet

from mer_platform.annotation.exchange.placing import Frames, Placer
from mer_platform.clips.models import Clip, FlowPicture, Subject
from mer_platform.clips.services import other_spelling
from mer_platform.imports.annotations import as_expression, plan_annotations
from mer_platform.imports.comparing import ProjectContents, compare_clip, compare_picture
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from models_ml.formats.base import (
    Finding,
    FoundClip,
    FoundFlowPicture,
    Problem,
    Severity,
    Tree,
)
from models_ml.formats.report import ImportReport
from models_ml.video.filetypes import IMAGES

State, ItemType = ImportItem.State, ImportItem.ItemType
_LONGEST = {"database": 60, "subject": 60, "name": 120, "emotion": 40}


class ImportPlan:
    """The items and problems of one import, not yet saved."""

    def __init__(self, batch: Import, tree: Tree, finding: Finding) -> None:
        self.batch, self.tree, self.finding = batch, tree, finding
        self.items: list[ImportItem] = []
        self.problems = [_problem_row(batch, problem) for problem in finding.problems]
        self._seen: Counter[tuple[str, str, str]] = Counter()
        names = {clip.database for clip in finding.clips} | {
            picture.database for picture in finding.flow_pictures
        }
        self._databases = {d.name: d for d in batch.project.databases.all()}
        self._spelling = {name: other_spelling(name, self._databases) for name in names}
        known = Subject.objects.filter(database__project=batch.project)
        self._subjects: dict[str, set[str]] = {
            name: set(known.filter(database__name=name).values_list("name", flat=True)) for name in names
        }
        self._mixed = self._mixed_databases()
        self._contents = ProjectContents(batch.project, names)

    def make(self) -> None:
        """Fill ``items`` and ``problems``."""
        for clip in self.finding.clips:
            self._plan_clip(clip)
        for picture in self.finding.flow_pictures:
            self._plan_picture(picture)
        items, problems = plan_annotations(self.batch, self.finding.annotations)
        self.items += items
        self.problems += [_problem_row(self.batch, problem) for problem in problems]
        self._compare_rates()

    def report(self, severity: Severity, code: str, message: str, **where: Any) -> None:
        self.problems.append(_problem_row(self.batch, Problem(severity, code, message, **where)))

    def _plan_clip(self, found: FoundClip) -> None:
        file = found.files[0] if found.files else ""
        folder, names = _common_folder(found.files)
        item = ImportItem(
            batch=self.batch,
            kind=ItemType.CLIP,
            database=found.database[:60],
            subject=found.subject[:60],
            name=found.name[:120],
            fps=self._rate(found),
            folder=folder,
            files=names,
            first_number=found.numbers[0] if found.numbers else 1,
        )
        self.items.append(item)
        if self._refused(item, found, found.database, found.subject, found.name, file):
            return
        if not found.files:
            self._fail(item, "error", "frames-absent", f"{item} has no frames: it is not imported.")
            return
        if not item.fps and file.lower().endswith(IMAGES):
            self._fail(
                item,
                "error",
                "rate-missing",
                f"The frame rate of {found.database} is not known, because frame images do not state it. Set the frames per "
                "second of the database and check again.",
            )
            return
        frames, report = Frames.of_found(found), ImportReport()
        placer = Placer(self.batch.project, report)
        rows = [row for expression in found.expressions if (row := placer.place_in(expression, frames))]
        item.set_expressions([as_expression(row) for row in rows])
        problems = report.problems
        if clip := self._contents.clip(item):
            problems += compare_clip(self.tree, item, clip, rows, self._contents)
        self.problems += [_problem_row(self.batch, problem) for problem in problems]

    def _rate(self, found: FoundClip) -> float | None:
        """Return the recording rate: as the source states it, otherwise that of the database in this project."""
        database = self._databases.get(found.database)
        is_images = not found.files or found.files[0].lower().endswith(IMAGES)
        return found.fps or (database.default_fps(is_video=not is_images) if database else None)

    def _plan_picture(self, found: FoundFlowPicture) -> None:
        folder, _, name = found.file.rpartition("/")
        item = ImportItem(
            batch=self.batch,
            kind=ItemType.PICTURE,
            database=found.database[:60],
            subject=found.subject[:60],
            name=found.name[:120],
            folder=folder,
            files=[name],
            emotion=found.emotion[:40],
        )
        self.items.append(item)
        if self._refused(item, found, found.database, found.subject, found.name, found.file):
            return
        if len(found.emotion) > _LONGEST["emotion"]:
            self._fail(
                item,
                "error",
                "name-too-long",
                f"The emotion “{found.emotion}” has more than 40 characters: {item} is not imported.",
            )
        elif there := self._contents.picture(item):
            for problem in compare_picture(self.tree, item, there):
                self.problems.append(_problem_row(self.batch, problem))

    def _refused(
        self,
        item: ImportItem,
        found: FoundClip | FoundFlowPicture,
        database: str,
        subject: str,
        name: str,
        file: str,
    ) -> bool:
        """Return whether the item's names prevent its import; the item and the report then say why."""
        for field, value in (("database", database), ("subject", subject), ("name", name)):
            if not value.strip() or len(value) > _LONGEST[field]:
                what = "is missing" if not value.strip() else f"has more than {_LONGEST[field]} characters"
                self._fail(
                    item,
                    "error",
                    f"{field}-unusable",
                    f"The {field} “{value}” {what}: the item is not imported.",
                    file,
                )
                return True
        self._seen[database, subject, name] += 1
        if self._seen[database, subject, name] > 1:
            self._fail(
                item,
                "error",
                "duplicate",
                f"{item} was found more than once: only the first is imported.",
                file,
            )
        elif other := self._spelling[database]:
            self._fail(
                item,
                "error",
                "database-spelling",
                f"This project has a database “{other}”, which the import calls “{database}”. Rename the project's database "
                "to avoid two databases of the same clips.",
                file,
            )
        elif reason := self._mixed.get(database):
            self._fail(item, "error", "pictures-and-clips", reason, file)
        elif other := other_spelling(subject, self._subjects[database]):
            self._fail(
                item,
                "error",
                "subject-spelling",
                f"The subjects “{subject}” and “{other}” differ only in spelling. Two spellings of one person would count "
                f"as two subjects, and a fold could train on the face that it tests. Use “{other}”, or a different name for "
                "a different person.",
                file,
            )
        else:
            self._subjects[database].add(subject)
            return False
        return True

    def _fail(self, item: ImportItem, severity: Severity, code: str, message: str, file: str = "") -> None:
        item.state, item.reason = State.FAILED, message
        self.report(severity, code, message, file=file, subject=item.subject, clip=item.name)

    def _mixed_databases(self) -> dict[str, str]:
        """Return the databases that would contain both clips and flow pictures, with a sentence for each."""
        in_clips = {found.database for found in self.finding.clips}
        in_pictures = {found.database for found in self.finding.flow_pictures}
        project = self.batch.project
        has_clips = _counted(Clip.objects.filter(project=project))
        has_pictures = _counted(FlowPicture.objects.filter(subject__database__project=project))
        reasons = {}
        for name in in_pictures:
            if n := has_clips.get(name, 0) or (name in in_clips):
                held = f"contains {n} clips" if n > 1 else "contains clips"
                reasons[name] = (
                    f"{name} {held}. Flow pictures in the same database would count the same samples twice: "
                    "import them into another project."
                )
        for name in in_clips:
            if n := has_pictures.get(name, 0):
                reasons[name] = (
                    f"{name} contains {n} flow picture{'s' * (n > 1)}. Clips in the same database would count the same "
                    "samples twice: import them into another project."
                )
        return reasons

    def _compare_rates(self) -> None:
        for name, rate in self.finding.fps.items():
            there = self._databases.get(name)
            if there is not None and there.fps and there.fps != rate:
                self.report(
                    "warning",
                    "rate-differs",
                    f"{name} has {there.fps:g} frames per second in this project, but {rate:g} in the import. "
                    f"The imported clips keep {rate:g}.",
                )


def _problem_row(batch: Import, problem: Problem) -> ImportProblem:
    return ImportProblem(
        batch=batch,
        severity=problem.severity,
        code=problem.code[:40],
        message=problem.message,
        file=problem.file[-1000:],
        row=problem.row,
        column=problem.column[:100],
        subject=problem.subject[:100],
        clip=problem.clip[:200],
    )


def _counted(rows: QuerySet[Any]) -> dict[str, int]:
    """Return how many of these clips or flow pictures each database has."""
    return dict(rows.order_by().values_list("subject__database__name").annotate(Count("pk")))


def _common_folder(files: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return the folder that all files share, or "", and their names below it."""
    folders = {path.rpartition("/")[0] for path in files}
    if len(folders) != 1:
        return "", list(files)
    folder = folders.pop()
    return folder, [path.rpartition("/")[2] for path in files]
