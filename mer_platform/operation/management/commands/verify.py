import os
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.operation.backup.making import Snapshot, open_vault
from mer_platform.operation.backup.restoring import damaged_contents, differing_files
from mer_platform.operation.backup.vault import BackupError
from mer_platform.operation.management.commands.backup import PASSPHRASE

SHOWN = 20


class Command(BaseCommand):
    help = (
        f"Read a whole backup, with the passphrase in {PASSPHRASE}, and compare each file with its hash; with "
        "--installation, compare this installation's files too. Exits with an error if anything is missing or differs."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder that was given to “manage.py backup”")
        parser.add_argument("--snapshot", metavar="NAME", help="which backup (default: the newest)")
        parser.add_argument(
            "--installation",
            action="store_true",
            help="also compare the files of this installation with the backup",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            vault = open_vault(options["folder"], os.environ.get(PASSPHRASE, ""))
            names = vault.snapshots()
            if not names:
                raise CommandError(
                    f"{options['folder']} contains no complete backup. Make one with “manage.py backup”."
                )
            name = options["snapshot"] or names[-1]
            snapshot = Snapshot.read(vault, name)
        except BackupError as error:
            raise CommandError(str(error)) from error
        problems = list(
            chain(
                damaged_contents(vault, snapshot),
                differing_files(snapshot) if options["installation"] else [],
            )
        )
        for problem in problems[:SHOWN]:
            self.stdout.write(problem)
        if problems:
            more = len(problems) - SHOWN
            self.stdout.write(f"… and {more} more." if more > 0 else "")
            raise CommandError(f"Backup {name}: {len(problems)} problems in {len(snapshot.files) + 1} files.")
        where = " and of this installation" if options["installation"] else ""
        self.stdout.write(
            f"Backup {name}: the hashes of the database and of {len(snapshot.files)} files in the backup{where} agree."
        )
