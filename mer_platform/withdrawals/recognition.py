"""Recognising a withdrawn person again without keeping the name: a salted, slow hash."""

import hashlib
import hmac
import secrets

from mer_platform.clips.models import Subject
from mer_platform.withdrawals.models import Withdrawal

# About 20 ms: names are short, so a fast hash of them could be guessed from the certificate.
_COST = {"n": 2**13, "r": 8, "p": 1}


def new_pseudonym() -> str:
    """Return a name that stands for one withdrawn person and says nothing about them."""
    return f"withdrawn-{secrets.token_hex(4)}"


def new_salt() -> str:
    return secrets.token_hex(16)


def name_hash(salt: str, database: str, name: str) -> str:
    """Return the salted hash of a person's name in a database."""
    text = f"{database.casefold()}\0{name.casefold()}".encode()
    return hashlib.scrypt(text, salt=bytes.fromhex(salt), dklen=32, **_COST).hex()


def is_same(withdrawal: Withdrawal, subject: Subject) -> bool:
    """Return whether a subject has the name of the person who was withdrawn."""
    found = name_hash(withdrawal.salt, subject.database.name, subject.name)
    return hmac.compare_digest(found, withdrawal.name_hash)


def earlier_withdrawals(subject: Subject) -> list[Withdrawal]:
    """Return the withdrawals of a person with the subject's name from its database."""
    database = subject.database
    there = Withdrawal.objects.filter(project=database.project_id, database=database.name)
    return [withdrawal for withdrawal in there if is_same(withdrawal, subject)]
