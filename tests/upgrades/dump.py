"""Write a SQLite database as SQL, without secrets, for the test of upgrades; see the package for when and how."""

import argparse
import gzip
import shutil
import sqlite3
import tempfile
from pathlib import Path

# Nobody can sign in with these rows; everything else shows synthetic clips and made-up people.
WITHOUT_SECRETS = """
DELETE FROM accounts_session;
DELETE FROM projects_apitoken;
DELETE FROM jobs_worker;
UPDATE auth_user SET password = '!', email = '', last_login = NULL;
"""


def dump(database: Path, target: Path) -> None:
    """Write the SQL of a copy of ``database`` to ``target``, compressed; the same database gives the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        for file in database.parent.glob(
            f"{database.name}*"
        ):  # what the last process has not checkpointed is in -wal
            shutil.copy(file, Path(folder))
        connection = sqlite3.connect(copy)
        connection.executescript(WITHOUT_SECRETS)
        sql = "\n".join(connection.iterdump())
        connection.close()
    target.write_bytes(gzip.compress(sql.encode(), mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.upgrades.dump", description=__doc__)
    parser.add_argument("database", type=Path, help="the file mer.sqlite3 of a stopped platform")
    parser.add_argument("target", type=Path, help="for example tests/upgrades/0.2.0.sql.gz")
    options = parser.parse_args()
    dump(options.database, options.target)
    print(f"{options.target}: {options.target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
