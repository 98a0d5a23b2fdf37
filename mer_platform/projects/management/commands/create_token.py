from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.projects.models import ApiToken


class Command(BaseCommand):
    help = "Create an API token and print it. Only its hash is stored, so it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="command line", help="what the token is for")

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
        _, secret = ApiToken.make(user, options["name"])
        self.stdout.write(secret)
