"""Names of databases, subjects and clips in one form, because labs spell them differently. Only for comparison."""

import re

_DATABASES = {
    "casme2": ("casme2", "casmeii", "casme2raw", "casme2rawselected", "casme2cropped", "casmeiiraw"),
    "smic": ("smic", "smichs", "smice", "smicehs", "smicallcropped"),
    "samm": ("samm", "sammv2", "sammmicro", "sammfacs"),
}
_ALIASES = {alias: key for key, aliases in _DATABASES.items() for alias in aliases}
_ENDING = re.compile(r"\s*\.(png|jpe?g|bmp|avi|mp4|mov|mkv|zip)$")
_SUBJECT = re.compile(r"(?:subject|subj|sub|spno|s|p)?0*(\d+)([a-z]*)")


def database_key(name: str) -> str:
    """Return ``casme2``, ``smic`` or ``samm`` for a name of that database, else "".

    SMIC's VIS and NIR recordings, SAMM Long Videos and the other CASME databases are different databases.

    >>> [database_key(n) for n in ("CASME II", "casme2_raw", "SMIC-HS", "SAMM (ours)", "SMIC VIS", "CAS(ME)²", "CASME")]
    ['casme2', 'casme2', 'smic', 'samm', '', '', '']
    """
    without_remark = re.sub(r"\s+\([^)]*\)$", "", name.strip())
    return _ALIASES.get(re.sub(r"[^a-z0-9²]", "", without_remark.casefold()), "")


def subject_key(name: str) -> str:
    """Return one form of a subject's name within its database: sub01, Sub1, s1, 01 and 1 are the same person.

    >>> [subject_key(n) for n in ("sub01", "Sub 1", "s01", "1", "006", " 6 ", "spNO.1", "Anna", "s01b")]
    ['1', '1', '1', '1', '6', '6', '1', 'anna', '1b']
    """
    plain = re.sub(r"[\W_]", "", name.casefold())
    match = _SUBJECT.fullmatch(plain)
    return f"{int(match[1])}{match[2]}" if match else plain


def spelled_key(name: str) -> str:
    """Return one form of a subject's name across databases: as ``subject_key``, but sub01 and s01 stay different.

    >>> spelled_key("Sub01") == spelled_key("sub1"), spelled_key("sub01") == spelled_key("s01")
    (True, False)
    """
    return "_".join(_tokens(name.replace("_", "")))


def clip_key(subject: str, name: str) -> str:
    """Return one form of a clip's name within its subject, with or without the subject at its start.

    >>> clip_key("sub01", "EP02_01f"), clip_key("1", "sub01_EP02_01f .png")
    ('ep2_1f', 'ep2_1f')
    >>> clip_key("s2", "s2_po_01"), clip_key("s02", "s02_s02_po_1"), clip_key("6", "006_1_2"), clip_key("006", "006_6_1")
    ('po_1', 'po_1', '1_2', '6_1')
    """
    tokens = _tokens(_ENDING.sub("", name.strip().casefold()))
    own = subject_key(subject)
    # A clip's name has at least two tokens (SAMM's 6_1 of subject 006). Of two, the first is removed only if it is not
    # just a number.
    while len(tokens) > 1 and subject_key(tokens[0]) == own:
        if len(tokens) == 2 and tokens[0].isdigit():
            break
        tokens = tokens[1:]
    return "_".join(tokens)


def _tokens(name: str) -> list[str]:
    """Return the parts between blanks, hyphens and underscores, in lower case and without leading zeros."""
    parts = re.split(r"[\s_\-]+", name.strip().casefold())
    return [re.sub(r"\d+", lambda number: str(int(number[0])), part) for part in parts if part]
