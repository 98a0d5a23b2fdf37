"""Label Studio: video tasks with labelled regions, as JSON. Frames count from 1."""

from models_ml.formats.base import Export, Layout
from models_ml.formats.label_studio.reading import read
from models_ml.formats.label_studio.writing import write

LAYOUT = Layout(
    key="label-studio",
    title="Label Studio annotations",
    expects="a .json export of a project",
    read=read,
    holds="annotations",
    uploads=(".json",),
)

EXPORTS = (
    Export(
        key="label-studio.json",
        title="Label Studio",
        suffix="json",
        content_type="application/json",
        note="video tasks with timeline labels, frames counted from 1",
        write=write,
    ),
)
