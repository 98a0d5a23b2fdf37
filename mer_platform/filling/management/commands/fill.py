import secrets
import time
from typing import Any

import numpy as np
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from mer_platform.filling import codings, recordings, results, trainings
from mer_platform.filling.plan import Filling, Sizes
from mer_platform.projects.models import Membership, Role
from mer_platform.projects.services import create_project

FEWEST = 100


class Command(BaseCommand):
    help = (
        "Create a project with as many clips, annotations, runs and predictions as you say, to measure the platform with. "
        "The clips have no files: they can be listed, but not watched. Delete the project to remove them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--clips", type=int, default=100_000, help=f"at least {FEWEST} (default 100,000)")
        parser.add_argument("--annotations", type=int, help="about so many (default: 2 per clip)")
        parser.add_argument("--runs", type=int, help="(default: 3 per 100 clips)")
        parser.add_argument("--predictions", type=int, help="about so many (default: 10 per clip)")
        parser.add_argument("--project", default="Filled", help="the name of the new project")
        parser.add_argument("--owner", default="admin", help="the username of its owner")
        parser.add_argument("--seed", type=int, default=1, help="of the random numbers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill a new project. All or nothing is stored."""
        owner = User.objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(f"User “{options['owner']}” not found. Name an existing user with --owner.")
        sizes = _sizes(options)
        started = time.monotonic()
        with transaction.atomic():
            project = create_project(
                options["project"], owner, "Filled for measurements; its clips have no files."
            )
            coders = User.objects.bulk_create(
                User(username=f"coder-{secrets.token_hex(3)}-{n}", password=make_password(None))
                for n in range(sizes.coders)
            )
            Membership.objects.bulk_create(
                Membership(project=project, user=coder, role=Role.ANNOTATOR) for coder in coders
            )
            into = Filling(project, owner, coders, sizes, np.random.default_rng(options["seed"]))
            clips = recordings.fill(into)
            codings.fill(into, clips)
            trainings.fill(into)
            results.fill(into, clips)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYSE")  # so that the database plans with the new numbers of rows
        self.stdout.write(
            f"{project} ({project.slug}): {sizes.clips:,} clips in {time.monotonic() - started:.0f} s"
        )


def _sizes(options: dict[str, Any]) -> Sizes:
    clips = options["clips"]
    given = [options[name] for name in ("annotations", "runs", "predictions")]
    annotations, runs, predictions = (
        default if value is None else value
        for value, default in zip(given, (2 * clips, max(10, 3 * clips // 100), 10 * clips), strict=True)
    )
    if clips < FEWEST:
        raise CommandError(
            f"--clips must be at least {FEWEST}, because versions need clips of several subjects."
        )
    if annotations < clips or runs < 2 or predictions < 6 * runs:
        raise CommandError(
            "--annotations must be at least --clips, --runs at least 2, and --predictions at least 6 times --runs."
        )
    return Sizes(clips, annotations, runs, predictions)
