"""Databases of earlier releases, and the test that this one migrates and serves them.

Before a release that changes tables or stored data, keep a database of the release before it:

1. Check out the previous release in a clone of its own and start it there: ``MER_DATA_DIR=/tmp/previous make run``.
2. Fill it: the demo arrives by itself; finish one run, and let something wait of every kind of job. Stop the workers
   with SIGKILL in the middle of an experiment, so that jobs stay half done.
3. ``python -m tests.upgrades.dump /tmp/previous/mer.sqlite3 tests/upgrades/<version>.sql.gz``
4. Add what is special about it to ``test_upgrade.py``. Files of clips and packs are not part of a dump.
"""
