"""ELAN (.eaf, Max Planck Institute for Psycholinguistics): expressions marked on tiers, in milliseconds.

The name of a tier gives its role: "emotion" or "expression" (the annotation's text is the emotion), "phase" (the texts are
onset, apex, offset), a tier named onset, apex or offset (any text), "AU" or "action unit", "kind", "type" or "micro".
The coder is the tier's annotator or what follows "@" in its name (emotion@anna), else the file's author. The clip is named
after the first video that the file links. Overlapping expressions of one coder are on several sets of tiers, distinguished
by a number (Emotion #2@anna). Files that this platform wrote name database, subject and clip in their properties.
"""

import re
import tempfile
import warnings
from collections import defaultdict
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pympi.Elan import Eaf

from models_ml.errors import InputError
from models_ml.formats.base import Finding, Marked, Sheet, Tree
from models_ml.formats.folders import VIDEOS, is_litter
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.spans import MISSING, PHASES, Role, Span, combine, role_of

_LARGEST = 64 << 20  # bytes of a file
_ROLES: tuple[tuple[str, Role], ...] = (
    (r"phase", "phase"),
    (r"emotion|expression|label", "emotion"),
    (r"\baus?\b|action ?units?", "unit"),
    (r"\bkind\b|\btype\b|micro|macro", "kind"),
    (r"\bmissing\b", "missing"),
)
PROPERTY = "mer-platform:"  # before "database", "subject" and "clip"


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read the annotations of each .eaf file in the tree, or of the file given as ``sheet``.

    Raises InputError if there is no such file, or if the only one cannot be read.
    """
    report = ImportReport()
    finding = Finding(problems=report.problems)
    paths = [p for p in tree.files() if p.lower().endswith(".eaf") and not is_litter(p)]
    if sheet is None and not paths:
        raise InputError(f"“{tree.name}” contains no ELAN file (.eaf).")
    for name in [sheet.name] if sheet else paths:
        try:
            document = _parsed(name, sheet.content if sheet else _content(tree, name))
        except InputError as error:
            if sheet or len(paths) == 1:
                raise
            report.error("file-unreadable", str(error), file=name)
            continue
        finding.annotations += _document(name, document, report)
    finding.annotations.sort(key=lambda m: (m.clip, m.coder, m.onset or 0))
    return finding


def _content(tree: Tree, path: str) -> bytes:
    with tree.open(path) as file:
        return file.read(_LARGEST + 1)


def _parsed(name: str, content: bytes) -> Eaf:
    """Parse the file with pympi, but only if it is XML without entities and without a document type."""
    if len(content) > _LARGEST:
        raise InputError(f"“{name}” is larger than {_LARGEST >> 20} MB, too large for a file of annotations.")
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise InputError(
            f"“{name}” declares XML entities, which ELAN files never do: it was not read."
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"“{name}” is not XML: {error}. Open it in ELAN and save it again.") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise InputError(f"“{name}” is not an ELAN file: its first element is <{root.tag}>.")
    with tempfile.NamedTemporaryFile(suffix=".eaf") as file, warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # "unknown version": newer versions only add elements that are not read here
        file.write(content)
        file.flush()
        try:
            return Eaf(file.name)
        except Exception as error:  # pympi raises exceptions of any type
            raise InputError(
                f"“{name}” is incomplete or damaged. Open it in ELAN and save it again."
            ) from error


def _document(name: str, document: Eaf, report: ImportReport) -> list[Marked]:
    clip, origin = _media(name, document)
    stated = {key.removeprefix(PROPERTY): str(value or "") for key, value in document.properties if key}
    clip = stated.get("clip") or clip
    by_coder: defaultdict[tuple[str, str], list[Span]] = defaultdict(list)
    left_out = []
    for tier in document.get_tier_names():
        title, _, named = tier.partition("@")
        title, _, lane = title.partition("#")
        role, word = _role(title)
        if role is None:
            left_out.append(tier)
            continue
        attributes: dict[str, Any] = document.get_parameters_for_tier(tier)
        coder = named or attributes.get("ANNOTATOR") or document.adocument.get("AUTHOR") or ""
        try:
            found = document.get_annotation_data_for_tier(tier)
            by_coder[coder, lane.strip()] += [
                Span(float(a[0]) + origin, float(a[1]) + origin, word or str(a[2] or "").strip(), role)
                for a in found
            ]
        except (KeyError, TypeError, IndexError):
            message = f"The tier “{tier}” has annotations without times: it is left out."
            report.error("tier-damaged", message, file=name, clip=clip)
    if left_out:
        report.info(
            "tier-left-out",
            f"Tiers that do not describe expressions were left out: {listed(left_out)}.",
            file=name,
            clip=clip,
        )
    return [
        marking
        for (coder, _), spans in sorted(by_coder.items())
        for marking in combine(
            _known(spans, name, clip, report),
            Marked(
                clip=clip,
                coder=coder,
                unit="ms",
                file=name,
                subject=stated.get("subject", ""),
                database=stated.get("database", ""),
            ),
            report,
        )
    ]


def _role(title: str) -> tuple[Role | None, str]:
    """Return the role that a tier's name gives it, and the word that the name gives to all its annotations, if any.

    >>> _role("Emotion"), _role("Apex"), _role("ME_AU"), _role("speech")
    (('emotion', ''), ('phase', 'apex'), ('unit', ''), (None, ''))
    """
    plain = re.sub(r"[_\W]+", " ", title.lower()).strip()
    if plain in ("onset", "apex", "offset"):
        return "phase", plain
    return next(((role, "") for pattern, role in _ROLES if re.search(pattern, plain)), (None, ""))


def _known(spans: list[Span], name: str, clip: str, report: ImportReport) -> list[Span]:
    """Return the spans whose text fits the role of their tier."""
    kept = []
    for span in spans:
        word = span.word.lower()
        if span.role == "missing":
            words = [part.strip() for part in word.split(",")]
            kept += [Span(span.start, span.end, part, "missing") for part in words if part in MISSING]
        elif span.role == "emotion" and role_of(word) == "kind":  # an "expression" called micro or macro
            kept.append(Span(span.start, span.end, word, "kind"))
        elif span.role == "phase" and word not in PHASES:
            report.warning(
                "phase-unknown",
                f"“{span.word}” is not a phase (onset, apex, offset): it is left out.",
                file=name,
                clip=clip,
            )
        elif span.role == "kind" and not word.startswith(("micro", "macro")):
            report.warning(
                "kind-unknown",
                f"“{span.word}” is neither micro nor macro: it is left out.",
                file=name,
                clip=clip,
            )
        else:
            kept.append(span)
    return kept


def _media(name: str, document: Eaf) -> tuple[str, float]:
    """Return the name of the first linked video, else of the file, and the milliseconds that ELAN skips at its start."""
    for medium in document.media_descriptors:
        path = unquote(medium.get("MEDIA_URL") or medium.get("RELATIVE_MEDIA_URL") or "").replace("\\", "/")
        if path.lower().endswith(VIDEOS):
            origin = medium.get("TIME_ORIGIN") or "0"
            return PurePosixPath(path).stem, float(origin) if str(origin).isdigit() else 0.0
    return PurePosixPath(name).stem, 0.0
