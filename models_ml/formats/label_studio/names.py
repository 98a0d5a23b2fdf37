"""Whom and what a Label Studio task names: the clip's file, and who annotated it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from models_ml.video.filetypes import VIDEOS

CODER = "coder: "  # comes before a coder's name in a region's text
_MEDIA = (*VIDEOS, ".mpg", ".mpeg", ".ogv", ".wav", ".mp3", ".ogg", ".flac", ".m4a")  # sound counts, too
_HASH = re.compile(r"[0-9a-f]{8}-")  # what Label Studio puts before the name of an upload


def clip_names(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names by which the clip of a task may be known, the likeliest first; none if it has no media file.

    Label Studio renames uploads: it puts a code before the name and writes "_" for blanks.

    >>> clip_names({"video": "/data/upload/1/0a1b2c3d-EP02_01f.mp4"})
    ('EP02_01f', 'EP02 01f', '0a1b2c3d-EP02_01f')
    >>> clip_names({"video": "/data/local-files/?d=sub01/EP02%2001f.mp4", "note": "x"})
    ('EP02 01f',)
    >>> clip_names({"video": "s01.mp4", "clip": "EP02_01f"})
    ('EP02_01f',)
    """
    if isinstance(data.get("clip"), str) and data["clip"]:
        return (data["clip"],)
    found: dict[str, None] = {}
    for path in _media(data):
        stem = PurePosixPath(path).stem
        plain = _plain(stem)
        renamed = [plain.replace("_", " ")] if plain != stem or "/upload/" in path else []
        found |= dict.fromkeys([plain, *renamed, stem])
    return tuple(found)


def unclear_media(data: Mapping[str, Any]) -> list[str]:
    """Return the names of a task's media if several could be the clip; none if it is clear which one is.

    >>> unclear_media({"left": "EP01.mp4", "right": "EP02.mp4"}), unclear_media({"video": "EP01.mp4", "right": "EP02.mp4"})
    (['EP01', 'EP02'], [])
    """
    if isinstance(data.get("clip"), str) and data["clip"]:
        return []
    names = list(dict.fromkeys(_plain(PurePosixPath(path).stem) for path in _media(data)))
    return names if len(names) > 1 else []


def _media(data: Mapping[str, Any]) -> list[str]:
    """Return the paths of what can be the clip: of the media file called “video”, else of videos, else of sounds."""
    paths = {key: _path(value) for key, value in data.items() if isinstance(value, str)}
    media = {key: path for key, path in paths.items() if path.lower().endswith(_MEDIA)}
    if "video" in media:
        return [media["video"]]
    videos = [path for path in media.values() if path.lower().endswith(VIDEOS)]
    return videos or list(media.values())


def _plain(stem: str) -> str:
    """Return the name without the code that Label Studio puts before the name of an upload."""
    return _HASH.sub("", stem, count=1) if _HASH.match(stem) else stem


def _path(value: str) -> str:
    try:
        split = urlsplit(value) if "://" in value or "?" in value else None
    except ValueError:  # such as "http://[a.mp4"
        split = None
    path = (parse_qs(split.query).get("d", [""])[0] or unquote(split.path)) if split else unquote(value)
    return path.replace("\\", "/")


def emails_by_id(tasks: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return the e-mail addresses of annotators by their number: some annotations of an export give only the number."""
    found = {}
    for task in tasks:
        annotations = task.get("annotations")
        for annotation in annotations if isinstance(annotations, list) else []:
            who = annotation.get("completed_by") if isinstance(annotation, dict) else None
            if isinstance(who, dict) and isinstance(who.get("id"), int) and who.get("email"):
                found[who["id"]] = str(who["email"])
    return found


def coder_of(annotation: Mapping[str, Any], regions: Sequence[Any], emails: Mapping[int, str]) -> str:
    """Return who made an annotation: the coder that this platform wrote, else the annotator's e-mail, name or number.

    >>> coder_of({"completed_by": {"id": 7, "email": "anna@lab.org"}}, [], {}), coder_of({"completed_by": 7}, [], {})
    ('anna@lab.org', '7')
    """
    if isinstance(annotation.get("coder"), str):
        return str(annotation["coder"])
    for region in regions:
        meta = region.get("meta") if isinstance(region, dict) else None
        texts = meta.get("text") if isinstance(meta, dict) else None
        for text in texts if isinstance(texts, list) else []:
            if isinstance(text, str) and text.startswith(CODER):
                return text.removeprefix(CODER)
    who = annotation.get("completed_by")
    if isinstance(who, int):
        return emails.get(who, str(who))
    if not isinstance(who, dict):
        return str(who or "")
    name = " ".join(str(who[key]) for key in ("first_name", "last_name") if who.get(key))
    return str(who.get("email") or who.get("username") or name or who.get("id") or "")
