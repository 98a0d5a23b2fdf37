"""Miniature trees in the layouts of the official databases, with real xlsx sheets, for tests and benchmarks.

They contain no faces. Each image can be decoded, and no two files are equal, because clips are distinguished by their bytes.
"""

from tests.trees.annotation_files import eaf, label_studio, timeline
from tests.trees.codings import codings
from tests.trees.databases import (
    CASME3_HEADER,
    MMEW_HEADER,
    casme2,
    casme2_tree,
    casme3a_tree,
    casme_sq_tree,
    fourdme_tree,
    manifest_tree,
    mmew_tree,
    samm,
    samm_long_tree,
    samm_tree,
    smic_tree,
)
from tests.trees.files import colour_image, frames, image, ods, table, xls, xlsx
from tests.trees.flow_pictures import SAMPLES, flow_by_label, flow_folds
from tests.trees.large import large_casme2_tree, megc2019_trees

__all__ = [
    "CASME3_HEADER",
    "MMEW_HEADER",
    "SAMPLES",
    "casme2",
    "casme2_tree",
    "casme3a_tree",
    "casme_sq_tree",
    "codings",
    "colour_image",
    "eaf",
    "flow_by_label",
    "flow_folds",
    "fourdme_tree",
    "frames",
    "image",
    "label_studio",
    "large_casme2_tree",
    "manifest_tree",
    "megc2019_trees",
    "mmew_tree",
    "ods",
    "samm",
    "samm_long_tree",
    "samm_tree",
    "smic_tree",
    "table",
    "timeline",
    "xls",
    "xlsx",
]
