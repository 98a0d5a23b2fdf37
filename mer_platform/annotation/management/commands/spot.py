import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mer_platform.annotation.models import Suggestion
from mer_platform.annotation.spotting import clips_to_spot, queue_project
from mer_platform.jobs.models import Job
from mer_platform.jobs.waiting import wait_until
from mer_platform.projects.commands import project_of_command


class Command(BaseCommand):
    help = (
        "Spot expressions in all clips of a project that have no consensus, or a consensus without an apex. "
        "The workers must be running."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="the project's slug")
        parser.add_argument("--wait", action="store_true", help="return when all clips have been searched")
        parser.add_argument(
            "--json", action="store_true", help="print counts and, with --wait, the suggestions"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of_command(options["project"])
        clips = list(clips_to_spot(project))
        queued = queue_project(project, clips)
        result: dict[str, Any] = {"clips": len(clips), "queued": len(queued)}
        if options["wait"]:
            keys = [job.pk for job in queued]
            wait_until(lambda: not Job.objects.filter(pk__in=keys, state__in=Job.OPEN).exists())
            failed = Job.objects.filter(pk__in=keys, state=Job.State.FAILED)
            result["failed"] = [{"clip": job.payload["clip"], "error": job.error} for job in failed]
            result["suggestions"] = list(
                Suggestion.objects.filter(clip__in=clips).values(
                    "clip", "onset", "apex", "offset", "confidence", "spotter"
                )
            )
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        self.stdout.write(f"{project}: {len(queued)} of {len(clips)} clips queued for the spotter")
        if options["wait"]:
            self.stdout.write(
                f"{len(result['suggestions'])} suggestions, {len(result['failed'])} clips failed"
            )
