import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from mer_platform.deletion.kinds import KINDS
from mer_platform.deletion.scan import Found, remove, scan
from mer_platform.deletion.usage import count_orphans, count_project
from mer_platform.projects.models import Project

YOUNG_HOURS = 24.0
LEAST_HOURS = 1.0
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Compare the stored files with the database, and count what each project stores. Deletes nothing unless you ask "
        "for it with --remove."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        check = actions.add_parser(
            "check",
            help="find orphans (files that no row refers to) and missing files (rows whose file is gone)",
            description="Find orphans (stored files that no row refers to) and missing files (rows whose file is gone), "
            "and print their number and size per kind. Exits with an error if a file is missing.",
        )
        check.add_argument("--remove", action="store_true", help="delete the orphans from the storage")
        check.add_argument(
            "--older-than",
            type=float,
            default=YOUNG_HOURS,
            metavar="HOURS",
            help="leave out of --remove what was written in the last HOURS (default: %(default)g, at least "
            f"{LEAST_HOURS:g}): it may belong to an upload or a job that is still running",
        )
        check.add_argument("--json", action="store_true", help="print names too, as JSON")
        use = actions.add_parser(
            "use",
            help="count what each project stores, by kind",
            description="Count the stored files of each project by kind, and print their number and size. The page "
            "“Storage” of the administration shows the same. A file that two projects share counts in both.",
        )
        use.add_argument("--project", metavar="SLUG", help="only this project")
        use.add_argument("--json", action="store_true", help="print bytes, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "use":
            self._use(options["project"], options["json"])
        else:
            self._check(options)

    def _use(self, slug: str | None, as_json: bool) -> None:
        projects = Project.objects.filter(slug=slug) if slug else Project.objects.order_by("slug")
        if slug and not projects.exists():
            raise CommandError(f"Project “{slug}” not found. Give the name in its addresses.")
        counted = {
            project.slug: {use.kind: use for use in count_project(project) if use.files}
            for project in projects
        }
        if as_json:
            sizes = {
                slug: {kind: {"files": use.files, "bytes": use.bytes} for kind, use in uses.items()}
                for slug, uses in counted.items()
            }
            self.stdout.write(json.dumps(sizes, indent=1))
            return
        for slug, uses in counted.items():
            self.stdout.write(f"{slug}: {_size(sum(use.bytes for use in uses.values()))}")
            for kind, use in uses.items():
                self.stdout.write(f"  {KINDS[kind].title:28}{use.files:>9}{_size(use.bytes):>12}")

    def _check(self, options: dict[str, Any]) -> None:
        hours = options["older_than"]
        if not hours >= LEAST_HOURS:
            raise CommandError(
                f"--older-than must be at least {LEAST_HOURS:g}, because the files of an upload are stored before its row."
            )
        found = scan(hours)
        removed = {}
        for folder, kind in found.items():
            removed[folder] = list(remove(kind.removable, hours)) if options["remove"] else []
        count_orphans(found if not options["remove"] else scan(hours))
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(found, removed), ensure_ascii=False, indent=1))
        else:
            self._report(found, hours)
            if options["remove"]:
                gone = [orphan for kind in removed.values() for orphan in kind]
                size = filesizeformat(sum(orphan.size for orphan in gone))
                self.stdout.write(f"Removed {len(gone)} file{'' if len(gone) == 1 else 's'} ({size}).")
        missing = sum(len(kind.missing) for kind in found.values())
        if missing:
            raise CommandError(
                f"{missing} file{' is' if missing == 1 else 's are'} missing. Restore "
                f"{'it' if missing == 1 else 'them'} from a backup, or delete what needs {'it' if missing == 1 else 'them'}."
            )

    def _report(self, found: dict[str, Found], hours: float) -> None:
        self.stdout.write(f"{'':28}{'files':>9}{'orphans':>9}{'size':>12}{'missing':>9}")
        for kind in found.values():
            size = _size(kind.orphan_bytes)
            self.stdout.write(
                f"{kind.title:28}{kind.files:>9}{len(kind.orphans):>9}{size:>12}{len(kind.missing):>9}"
            )
        orphans = [orphan for kind in found.values() for orphan in kind.orphans]
        missing = [gap for kind in found.values() for gap in kind.missing]
        young = sum(orphan.young for orphan in orphans)
        for orphan in orphans[:SHOWN]:
            self.stdout.write(f"orphan: {orphan.name}{' (young)' if orphan.young else ''}")
        for gap in missing[:SHOWN]:
            self.stdout.write(f"missing: {gap.name}, which {gap.by} needs")
        if (more := max(len(orphans) - SHOWN, 0) + max(len(missing) - SHOWN, 0)) > 0:
            self.stdout.write(f"… and {more} more. Use --json to print all.")
        if young:
            self.stdout.write(
                f"{young} of the orphans {'is' if young == 1 else 'are'} younger than {hours:g} hours. --remove leaves "
                "them, because an upload or a job may still be running."
            )
        if unknown := sum(kind.unknown for kind in found.values()):
            self.stdout.write(
                f"{unknown} other files have names that the platform does not give. They are never removed."
            )


def _size(count: int) -> str:
    return str(filesizeformat(count)).replace("\xa0", " ")


def _as_json(found: dict[str, Found], removed: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        folder: {
            "title": kind.title,
            "files": kind.files,
            "unknown": kind.unknown,
            "orphans": [{"name": o.name, "size": o.size, "young": o.young} for o in kind.orphans],
            "orphan_bytes": kind.orphan_bytes,
            "missing": [{"name": gap.name, "needed_by": gap.by} for gap in kind.missing],
            "removed": [orphan.name for orphan in removed[folder]],
        }
        for folder, kind in found.items()
    }
