"""Encrypted, incremental backups: of the database, the stored files and the signing key."""
