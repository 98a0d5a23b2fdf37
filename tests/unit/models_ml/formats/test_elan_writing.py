"""Our ELAN documents: tiers below tiers, vocabularies, and references that ELAN can follow."""

import io
import zipfile
from collections import Counter
from fractions import Fraction
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from pympi.Elan import Eaf

from models_ml.formats.base import Marked, MarkedClip, no_expression
from models_ml.formats.elan import write
from models_ml.video.clock import Clock
from models_ml.video.timing import Timing

# The order of elements in a document, by ELAN's schema (EAFv2.8.xsd).
ORDER = [
    "LICENSE", "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LOCALE", "LANGUAGE", "CONSTRAINT",
    "CONTROLLED_VOCABULARY", "LEXICON_REF", "EXTERNAL_REF",
]  # fmt: skip


def marked(coder: str, onset: int, apex: int | None, offset: int, emotion: str, units: str = "") -> Marked:
    return Marked(
        clip="EP01", coder=coder, unit="index", onset=onset, apex=apex, offset=offset, emotion=emotion, action_units=units
    )  # fmt: skip


def document(*found: Marked) -> bytes:
    timing = Timing(tuple(range(1, 101)), Clock(Fraction(200), 100))
    clip = MarkedClip(
        database="CASME II", subject="sub01", name="EP01", file="EP 01.mp4", sha256="", fps="200", frame_count=100,
        first_source_number=1, load_timing=lambda: timing, emotions=("happiness", "disgust"), marked=found,
    )  # fmt: skip
    return zipfile.ZipFile(io.BytesIO(write([clip]))).read("CASME II/sub01/EP01.eaf")


@pytest.fixture
def root() -> Element:
    return fromstring(
        document(
            marked("anna", 10, 20, 30, "happiness", "6+12"),
            marked("anna", 25, None, 40, "contempt", "L14"),
            marked("anna", 60, 62, 70, ""),
            saw_nothing("ben"),
        )
    )


def saw_nothing(coder: str) -> Marked:
    return no_expression(Marked(clip="EP01", coder=coder, unit="index"))


def ids(root: Element, attribute: str) -> list[str]:
    return [element.get(attribute) for element in root.iter() if element.get(attribute)]


def test_the_elements_have_the_order_of_the_schema(root: Element) -> None:
    positions = [ORDER.index(element.tag) for element in root]
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("TIME_SLOT_REF1", "TIME_SLOT_ID"), ("TIME_SLOT_REF2", "TIME_SLOT_ID"), ("ANNOTATION_REF", "ANNOTATION_ID"),
        ("PARENT_REF", "TIER_ID"), ("LINGUISTIC_TYPE_REF", "LINGUISTIC_TYPE_ID"), ("CONSTRAINTS", "STEREOTYPE"),
        ("CONTROLLED_VOCABULARY_REF", "CV_ID"), ("LANG_REF", "LANG_ID"),
    ],
)  # fmt: skip
def test_all_references_can_be_followed(root: Element, reference: str, key: str) -> None:
    keys = Counter(ids(root, key))
    assert keys
    assert set(keys.values()) == {1}
    assert ids(root, reference)
    assert set(ids(root, reference)) <= keys.keys()


def test_tiers_are_below_the_tier_of_expressions(root: Element) -> None:
    parents = {tier.get("TIER_ID"): tier.get("PARENT_REF") for tier in root.iter("TIER")}
    assert parents["Expression@anna"] is None
    assert parents["Emotion@anna"] == parents["Phase@anna"] == "Expression@anna"
    assert parents["AU #2@anna"] == "Expression #2@anna"
    tiers = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
    assert [a.findtext("ANNOTATION_VALUE") for a in tiers["Emotion@anna"].iter("REF_ANNOTATION")] == [
        "happiness", "no emotion",
    ]  # fmt: skip


def test_vocabularies_offer_the_emotions_of_the_database_and_those_in_use(root: Element) -> None:
    words = {
        vocabulary.get("CV_ID"): [value.text for value in vocabulary.iter("CVE_VALUE")]
        for vocabulary in root.iter("CONTROLLED_VOCABULARY")
    }
    assert words["emotions"] == ["happiness", "disgust", "contempt", "no emotion"]
    assert words["kinds"] == ["micro", "macro", "no expression"]


def test_the_last_number_of_an_annotation_is_stated(root: Element) -> None:
    properties = {p.get("NAME"): p.text for p in root.iter("PROPERTY")}
    numbers = [int(key.removeprefix("a")) for key in ids(root, "ANNOTATION_ID")]
    assert int(properties["lastUsedAnnotationId"]) == max(numbers)
    assert "lastUsedAnnotation" not in properties


def test_no_expression_lasts_as_long_as_the_clip(root: Element) -> None:
    tier = next(tier for tier in root.iter("TIER") if tier.get("TIER_ID") == "Expression@ben")
    (annotation,) = tier.iter("ALIGNABLE_ANNOTATION")
    times = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
    assert annotation.findtext("ANNOTATION_VALUE") == "no expression"
    assert [times[annotation.get(f"TIME_SLOT_REF{n}")] for n in (1, 2)] == ["0", "495"]


def test_pympi_reads_what_we_write(tmp_path) -> None:
    path = tmp_path / "clip.eaf"
    path.write_bytes(document(marked("anna", 10, 20, 30, "happiness", "6+12")))
    eaf = Eaf(str(path))
    assert eaf.get_annotation_data_for_tier("Phase@anna") == [
        (50, 100, "onset-apex"),
        (100, 150, "apex-offset"),
    ]
    assert eaf.get_ref_annotation_data_for_tier("AU@anna") == [(50, 150, "6+12", "micro")]
