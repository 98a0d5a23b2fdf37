import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.operation.backup.making import Snapshot, open_vault
from mer_platform.operation.backup.restoring import add_withdrawals, restore, withdraw_again
from mer_platform.operation.backup.vault import BackupError
from mer_platform.operation.management.commands.backup import PASSPHRASE
from mer_platform.serving.preparation import only_one_in
from mer_platform.withdrawals.models import Withdrawal


class Command(BaseCommand):
    help = (
        f"Restore a backup, with the passphrase in {PASSPHRASE}, into an empty place: the database and storage that the "
        "environment names. Stop the platform first. A restore that was interrupted can be started again."
    )
    requires_system_checks = []  # the database may not exist yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder that was given to “manage.py backup”")
        parser.add_argument("--snapshot", metavar="NAME", help="which backup (default: the newest)")
        parser.add_argument(
            "--list", action="store_true", help="list the backups in the folder, and restore none"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="delete the database that is there, and restore over stored files",
        )

        parser.add_argument(
            "--withdrawals",
            type=Path,
            metavar="FOLDER",
            help="a copy of the folder “withdrawals” of the storage: these people are withdrawn again, too. Those that the "
            "newest backup knows always are",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            vault = open_vault(options["folder"], os.environ.get(PASSPHRASE, ""))
            names = vault.snapshots()
            if options["list"]:
                self.stdout.write("\n".join(names))
                return
            if not names:
                raise BackupError(
                    f"{options['folder']} contains no complete backup. Make one with “manage.py backup”."
                )
            name = options["snapshot"] or names[-1]
            snapshot = Snapshot.read(vault, name)
            with only_one_in(settings.DATA_DIR):
                if options["withdrawals"]:
                    add_withdrawals(options["withdrawals"])
                restore(vault, snapshot, options["force"])
                withdrawn = withdraw_again()
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"The restore was not completed: {error}. Make room, or check the disk, and start it again."
            ) from error
        self.stdout.write(f"Restored {name}: database and {len(snapshot.files)} files.")
        self._report_withdrawals(withdrawn)
        if os.environ.get("MER_SECRET_KEY", snapshot.secret_key) != snapshot.secret_key:
            self.stdout.write(
                f"MER_SECRET_KEY is not the key of the backup, which is now in {settings.DATA_DIR / 'secret_key'}: set it "
                "to that key, or everyone has to sign in again."
            )
        self.stdout.write(
            "Next: “manage.py migrate” upgrades the database (make run does it), and “manage.py storage check” compares "
            "rows and files. Jobs that were running continue when their lease of a minute has expired."
        )

    def _report_withdrawals(self, withdrawn: list[Withdrawal] | None) -> None:
        if withdrawn is None:
            self.stdout.write(
                "People who were withdrawn after this backup came back with it. They are withdrawn again when the platform "
                "starts after “manage.py migrate”."
            )
        for found in withdrawn or []:
            what = (
                f"Withdrew {found.pseudonym} again"
                if found.counts
                else f"{found.pseudonym} is not in this backup"
            )
            self.stdout.write(f"{what} (certificate {found.key}).")
