import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.clips.models import Database
from mer_platform.composites.caveats import caveats
from mer_platform.composites.labelmaps import MEGC2019, PRESETS, suggest
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.rules import Rules
from mer_platform.composites.services import freeze
from mer_platform.projects.commands import project_of_command
from mer_platform.projects.models import Project

SUGGESTED = "suggested"


class Command(BaseCommand):
    help = "Freeze a composite version of a project's databases."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="the project's slug")
        parser.add_argument("--name", help="the composite's name; default: the preset's name, or Composite")
        parser.add_argument(
            "--label-map",
            default=SUGGESTED,
            help="suggested (default), megc2019, or a JSON file {database: {emotion: class or null}}",
        )
        parser.add_argument(
            "--database", action="append", help="a database's name; can be repeated; default: all databases"
        )
        parser.add_argument("--rules", type=Path, help="a JSON file of include and exclude rules")
        parser.add_argument(
            "--json", action="store_true", help="print id, hash, counts, list check and warnings as JSON"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of_command(options["project"])
        databases = _chosen(project, options["database"])
        preset = options["label_map"] if options["label_map"] in PRESETS else ""
        label_map = (
            suggest(databases, preset)
            if preset or options["label_map"] == SUGGESTED
            else _json(Path(options["label_map"]))
        )
        rules = _json(options["rules"]) if options["rules"] else None
        name = options["name"] or (PRESETS[preset] if preset else "Composite")
        try:
            version = freeze(project, name, databases, label_map, None, preset=preset, rules=rules)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        found = [c.to_json() for c in caveats(version.with_items(), Rules(**version.rules))]
        if options["json"]:
            result = {
                "id": version.pk,
                "content_hash": version.content_hash,
                "counts": version.counts(),
                "check": version.list_check,
                "caveats": found,
            }
            self.stdout.write(json.dumps(result))
            return
        self.stdout.write(f"{version}: {version.counts()['samples']} samples, {version.content_hash}")
        self._print(version, found)

    def _print(self, version: CompositeVersion, found: list[dict[str, Any]]) -> None:
        for part in version.list_check["databases"] if version.list_check else []:
            self.stdout.write(
                f"{part['title']}: {part['there']} of {part['published']} published samples; "
                f"{len(part['missing'])} missing, {len(part['extra'])} extra, {len(part['differ'])} with another class"
            )
        for caveat in found:
            self.stderr.write(f"Warning: {caveat['message']}")


def _chosen(project: Project, names: list[str] | None) -> list[Database]:
    databases = list(project.databases.all())
    if not names:
        return databases
    known = {database.name for database in databases}
    if unknown := [name for name in names if name not in known]:
        raise CommandError(
            f"Not found in {project}: {', '.join(unknown)}. Its databases are {', '.join(sorted(known))}."
        )
    return [database for database in databases if database.name in names]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CommandError(
            f"Cannot read “{path}”: {reason}. A label map is {SUGGESTED}, {MEGC2019} or a JSON file."
        ) from error
    except json.JSONDecodeError as error:
        raise CommandError(
            f"“{path}” is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error
    except (
        ValueError,
        RecursionError,
    ) as error:  # another encoding, or numbers and nesting beyond the parser's limits
        raise CommandError(f"“{path}” is not JSON text.") from error
