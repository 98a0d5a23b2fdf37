import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from mer_platform.operation.backup.making import make_backup, open_vault, remove_old
from mer_platform.operation.backup.vault import BackupError

PASSPHRASE = "MER_BACKUP_PASSPHRASE"  # noqa: S105  # the variable's name


class Command(BaseCommand):
    help = (
        "Back up database, stored files and signing key into a folder, encrypted with the passphrase in "
        f"{PASSPHRASE}. The platform may run. Files that an earlier backup in the folder contains are not copied again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", type=Path, help="the folder of all backups; created if it does not exist"
        )
        parser.add_argument(
            "--keep",
            type=int,
            metavar="NUMBER",
            help="afterwards, remove all backups except the newest NUMBER",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keep = options["keep"]
        if keep is not None and keep < 1:
            raise CommandError("--keep must be at least 1.")
        try:
            vault = open_vault(options["folder"], os.environ.get(PASSPHRASE, ""), create=True)
            made = make_backup(vault)
            removed = remove_old(vault, keep) if keep else (0, 0)
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"The backup was not completed: {error}. Earlier backups in {options['folder']} are unharmed. Make room, or "
                "check the disk, and start it again."
            ) from error
        files, size = len(made.snapshot.files), filesizeformat(made.snapshot.size).replace("\xa0", " ")
        new = filesizeformat(made.new_bytes).replace("\xa0", " ")
        self.stdout.write(
            f"Backup {made.name}: database and {files} files ({size}), of which {made.new_files} were new ({new})."
        )
        if made.gone:
            self.stdout.write(
                f"{len(made.gone)} files were deleted while it was made, and are not part of it."
            )
        if removed[0]:
            self.stdout.write(
                f"Removed {removed[0]} older backups, with {removed[1]} contents that only they needed."
            )
