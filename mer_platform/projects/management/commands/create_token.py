from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from mer_platform.projects.commands import project_of_command
from mer_platform.projects.models import ApiToken
from mer_platform.rest.scopes import EVERYTHING, SCOPES

MOST_DAYS = 3650


class Command(BaseCommand):
    help = "Create an API token and print it. Only its hash is stored, so it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--days", type=int, help="days after which it expires (default: never)")
        parser.add_argument(
            "--scope", action="append", choices=list(SCOPES), help="what it may do; repeat it for several"
        )
        parser.add_argument(
            "--project", action="append", default=[], help="slug of the only project; repeat it for several"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"User “{username}” not found.")
        if not user.is_active:
            raise CommandError(f"The user “{username}” is not active, so a token would be refused.")
        try:
            ApiToken._meta.get_field("name").clean(options["name"], None)
        except ValidationError as error:
            raise CommandError(f"--name: {' '.join(error.messages)}") from error
        if (days := options["days"]) is not None and not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {MOST_DAYS:,}, not {days}.")
        _, secret = ApiToken.make(
            user,
            options["name"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
            scopes=options["scope"] or [EVERYTHING],
            projects=[project_of_command(slug) for slug in options["project"]],
        )
        self.stdout.write(secret)
