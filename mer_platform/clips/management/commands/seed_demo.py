from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from mer_platform.jobs.waiting import wait_until
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project

SLUG = "demo"


class Command(BaseCommand):
    help = "Create the demo project: synthetic clips of three databases, with known marks. The workers must be running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--owner", default="admin", help="the username of the project's owner")
        parser.add_argument("--wait", action="store_true", help="return when all clips are ready")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(f"User “{options['owner']}” not found. Name an existing user with --owner.")
        with transaction.atomic():
            project = Project.objects.filter(slug=SLUG).first() or create_project(
                "Demo", owner, "Synthetic faces with known onset, apex, offset and emotion."
            )
            group = f"demo:{project.pk}"
            Job.enqueue("demo", "ingest", project.pk, group, group, {})
        jobs = Job.objects.filter(group=group)
        if options["wait"]:
            wait_until(lambda: not jobs.filter(state__in=Job.OPEN).exists())
            if failed := jobs.filter(state=Job.State.FAILED).first():
                raise CommandError(f"{failed.key}: {failed.error}")
        self.stdout.write(
            f"{project}: {Clip.objects.filter(project=project, state=Clip.State.READY).count()} clips ready"
        )
