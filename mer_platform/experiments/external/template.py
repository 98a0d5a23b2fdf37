"""The file to fill in with predictions: the samples of a version, without their labels."""

import csv
import io
from collections.abc import Mapping

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.external.importing import samples_to_predict
from models_ml.formats.csv_text import BOM, guard_formula
from models_ml.formats.prediction_tables import PROBABILITIES

TO_FILL_IN = ("predicted", *PROBABILITIES)
COLUMNS = ("sample", "database", "subject", "clip", "fold", *TO_FILL_IN, "version_sha256")


def template_csv(version: CompositeVersion, folds: Mapping[int, str]) -> str:
    """Return the file, with a row per tested sample and the fold that tests it on the platform."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for sample in samples_to_predict(version):
        if sample.index in folds:
            names = (sample.database, sample.subject, sample.name, folds[sample.index])
            empty = [""] * len(TO_FILL_IN)
            writer.writerow([sample.index, *map(guard_formula, names), *empty, version.content_hash])
    return BOM + text.getvalue()


def template_response(version: CompositeVersion, folds: Mapping[int, str]) -> HttpResponse:
    """Return the file as a download."""
    name = f"{slugify(version.composite.name) or 'composite'}-v{version.number}-predictions.csv"
    headers = {"Content-Disposition": content_disposition_header(True, name) or ""}
    return HttpResponse(template_csv(version, folds), content_type="text/csv; charset=utf-8", headers=headers)
