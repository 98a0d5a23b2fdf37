"""What pages of the apps below show of experiments. Those apps must not import this one, so their templates do."""

from typing import Any

from django import template

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.sweeps.run_form import RunForm

register = template.Library()


@register.inclusion_tag("experiments/runs/_of_version.html", takes_context=True)
def runs_of_version(context: template.Context, version: CompositeVersion) -> dict[str, Any]:
    """The card of the runs on a composite version."""
    return {"project": context["project"], "runs": version.runs.select_related("created_by")}


@register.inclusion_tag("experiments/runs/_train_with_defaults.html", takes_context=True)
def train_with_defaults(context: template.Context, version: CompositeVersion) -> dict[str, Any]:
    """The button that launches a run of the default configuration on a composite version."""
    form = RunForm(versions=CompositeVersion.objects.filter(pk=version.pk), initial={"version": version.pk})
    return {"project": context["project"], "csrf_token": context["csrf_token"], "form": form}
