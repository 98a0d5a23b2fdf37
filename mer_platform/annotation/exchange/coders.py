"""Who coded: which member a name in a file stands for (a username, an e-mail address, a number, initials)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from typing_extensions import TypedDict

from mer_platform.annotation.exchange.models import CoderName
from mer_platform.projects.models import Membership, Project, Role


class NamedCoder(TypedDict):
    """A name in a file, with the number of its rows.

    ``member`` is the username that it stands for, "" if none is known; ``proposed`` is one that it may stand for. ``why``
    says where either comes from; ``problem`` why the member may not be chosen.
    """

    name: str
    rows: int
    member: str
    proposed: str
    why: str
    problem: str


def annotators(project: Project) -> dict[str, User]:
    """Return the members who may annotate, by username."""
    members = Membership.objects.filter(project=project).select_related("user")
    return {m.user.username: m.user for m in members if Role(m.role).includes(Role.ANNOTATOR)}


def match_coders(project: Project, names: Mapping[str, int], given: Mapping[str, str]) -> list[NamedCoder]:
    """Return for each name whom it stands for; ``names`` counts the rows of each.

    What is ``given`` (a username for a name) comes first, then what the project remembers, an e-mail address, a username.
    Full names and initials are only proposed, and only if one member has them.
    """
    members = {m.user.username: m for m in Membership.objects.filter(project=project).select_related("user")}
    remembered = CoderName.objects.filter(project=project, name__in=list(names))
    known = {entry.name: entry.user.username for entry in remembered.select_related("user")}
    emails = _unique((m.user.email, m.user.username) for m in members.values())
    usernames = _unique((name, name) for name in members)
    others = _unique((alias, m.user.username) for m in members.values() for alias in _aliases(m.user))
    found: list[NamedCoder] = []
    for name, rows in sorted(names.items()):
        key = name.strip().casefold()
        member, why = next(
            (
                (choice, reason)
                for choice, reason in (
                    (given.get(name, ""), "chosen"),
                    (known.get(name, ""), "chosen before"),
                    (emails.get(key, ""), "e-mail address"),
                    (name if name in members else usernames.get(key, ""), "username"),
                )
                if choice
            ),
            ("", ""),
        )
        proposed = "" if member else others.get(key, "")
        problem = _problem(name, rows, member, members)
        found.append(
            {
                "name": name,
                "rows": rows,
                "member": "" if problem else member,
                "proposed": proposed,
                "why": "name or initials" if proposed else why,
                "problem": problem,
            }
        )
    return found


def remember(project: Project, given: Mapping[str, str]) -> None:
    """Remember for the project's next imports whom these names stand for."""
    members = annotators(project)
    for name, username in given.items():
        if username in members:
            CoderName.objects.update_or_create(
                project=project, name=name, defaults={"user": members[username]}
            )


def _problem(name: str, rows: int, member: str, members: Mapping[str, Membership]) -> str:
    count = f"{rows} row{'s' if rows > 1 else ''}"
    if not member:
        who = f"This project has no member “{name}”" if name else "Some rows name no coder"
        return f"{who} ({count}). Choose under “Who coded” which member that is."
    if member not in members:
        return (
            f"This project has no member “{member}” ({count}). Choose a member with a role that may annotate."
        )
    if not Role(members[member].role).includes(Role.ANNOTATOR):
        return f"“{member}” is a viewer of this project and may not annotate ({count})."
    return ""


def _aliases(user: User) -> set[str]:
    """Return the full name, the first and last name, the start of the e-mail address, and the initials."""
    first, last = user.first_name.strip(), user.last_name.strip()
    words = re.findall(r"\w+", f"{first} {last}") or re.findall(r"[^\W_]+", user.username)
    initials = "".join(word[0] for word in words)
    return {
        alias
        for alias in (f"{first} {last}".strip(), first, last, user.email.partition("@")[0], initials)
        if alias
    }


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs by name without case; a name that stands for two members is left out."""
    found: defaultdict[str, set[Any]] = defaultdict(set)
    for name, value in pairs:
        if name:
            found[name.strip().casefold()].add(value)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}
