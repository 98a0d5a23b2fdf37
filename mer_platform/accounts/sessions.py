"""The store of sessions: Django's, with hashed keys. A key has 165 random bits, which need no slow hash."""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from mer_platform.accounts.models import Session


def digest_of(key: str) -> str:
    """Return what the database stores in place of a session's key."""
    return hashlib.sha256(key.encode()).hexdigest()


class SessionStore(db.SessionStore):
    """Sessions in the database, found by the SHA-256 of the key in the cookie."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        found = None
        if self.session_key:
            found = Session.objects.filter(
                session_key=digest_of(self.session_key), expire_date__gt=timezone.now()
            ).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return super().exists(digest_of(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)
        row.session_key = digest_of(row.session_key)
        row.user_id = int(data["_auth_user_id"]) if "_auth_user_id" in data else None
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            Session.objects.filter(session_key=digest_of(key)).delete()


def forget_expired() -> int:
    """Delete the sessions that have expired; return how many."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]
