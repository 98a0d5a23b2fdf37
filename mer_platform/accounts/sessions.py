"""The store of sessions: Django's, with hashed keys. A key has 165 random bits, which need no slow hash."""

import hashlib
from typing import Any, NamedTuple, cast

from django.contrib.auth import HASH_SESSION_KEY, user_logged_in
from django.contrib.sessions.backends import db
from django.dispatch import receiver
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from mer_platform.accounts.models import Session
from mer_platform.web import storable

AGENT = "agent"  # the name of the browser in a session's data


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
        row = cast(Session, super().create_model_instance(data))
        row.session_key = digest_of(row.session_key)
        row.user_id = int(data["_auth_user_id"]) if "_auth_user_id" in data else None
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            Session.objects.filter(session_key=digest_of(key)).delete()


@receiver(user_logged_in)
def note_browser(request: Any, **sender: Any) -> None:
    """Keep in the session what the browser says it is, so that its user recognises it in the list."""
    if request is not None and hasattr(request, "session"):
        request.session[AGENT] = storable(request.META.get("HTTP_USER_AGENT", ""))[:200]


class OpenSession(NamedTuple):
    """A session that has not expired, as its user sees it."""

    row: Session
    agent: str
    is_this: bool


def open_sessions(user: Any, key: str | None) -> list[OpenSession]:
    """Return the user's open sessions, the latest first. ``key``: of the session that asks.

    A session that a new password has ended is not open.
    """
    current = digest_of(key) if key else ""
    found = []
    for row in Session.objects.filter(user_id=user.pk, expire_date__gt=timezone.now()):
        data = SessionStore().decode(row.session_data)
        if constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
            found.append(OpenSession(row, data.get(AGENT, ""), row.session_key == current))
    return found


def end_sessions(user: Any, digest: str = "", *, but: str | None = None) -> int:
    """End the user's session with this digest, or all except for that with the key ``but``; return how many."""
    rows = Session.objects.filter(user_id=user.pk)
    if digest:
        rows = rows.filter(session_key=digest)
    if but:
        rows = rows.exclude(session_key=digest_of(but))
    return rows.delete()[0]


def forget_expired() -> int:
    """Delete the sessions that have expired; return how many."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]
