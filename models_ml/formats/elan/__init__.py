"""ELAN (.eaf, Max Planck Institute for Psycholinguistics): expressions on tiers, in milliseconds."""

from models_ml.formats.base import Export, Layout
from models_ml.formats.elan.reading import read
from models_ml.formats.elan.writing import write

LAYOUT = Layout(
    key="elan",
    title="ELAN annotations",
    expects="an .eaf file with tiers for emotions or phases",
    read=read,
    holds="annotations",
    uploads=(".eaf",),
)

EXPORTS = (
    Export(
        key="eaf.zip",
        title="ELAN",
        suffix="zip",
        content_type="application/zip",
        note="one .eaf per clip, tiers for each coder",
        write=write,
    ),
)
