"""An export as a download."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from mer_platform.annotation.exchange.selection import SelectionForm
from mer_platform.projects.models import Project
from models_ml.formats import EXPORTS


def download(project: Project, form: SelectionForm, kind: str) -> HttpResponse:
    """Return the selection of a valid form as a download. Raises InputError if the format cannot represent it."""
    export = EXPORTS[kind]
    name = f"{project.slug}-annotations.{kind}"
    disposition = content_disposition_header(True, name) or ""
    content = export.write(form.clips(kind))
    return HttpResponse(
        content, content_type=export.content_type, headers={"Content-Disposition": disposition}
    )
