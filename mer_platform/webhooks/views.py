"""The pages of a project's webhooks. Owners manage them; researchers see the log, test and replay."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import is_partial, page_of
from mer_platform.webhooks import services
from mer_platform.webhooks.addresses import allowed_networks
from mer_platform.webhooks.events import EVENTS
from mer_platform.webhooks.forms import WebhookForm
from mer_platform.webhooks.models import Delivery, Webhook

ROWS = 50


@login_required
@require_http_methods(["GET", "POST"])
def webhook_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the webhooks. An owner adds one, and sees its secret once."""
    project = get_project(request, slug, Role.OWNER if request.method == "POST" else Role.RESEARCHER)
    form = WebhookForm(request.POST or None, initial={"events": list(EVENTS)})
    webhook, secret = None, ""
    if request.method == "POST" and form.is_valid():
        fields = form.cleaned_data
        try:
            webhook, secret = services.create_webhook(
                project, fields["url"], fields["events"], request.user, fields["description"]
            )
            form = WebhookForm(initial={"events": list(EVENTS)})
        except ValidationError as error:
            form.add_error(None, error)
    waiting = Count("deliveries", filter=Q(deliveries__state=Delivery.State.WAITING))
    rows = project.webhooks.annotate(
        waiting=waiting,
        failed=Count("deliveries", filter=Q(deliveries__state=Delivery.State.FAILED)),
        last=Max("deliveries__created_at"),
    )
    context = {
        "form": form, "webhooks": rows, "secret": secret, "created": webhook, "events": EVENTS,
        "plain_allowed": bool(allowed_networks()),
    }  # fmt: skip
    refused = request.method == "POST" and not secret
    return _unstored(render(request, "webhooks/list.html", context, status=422 if refused else 200))


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def webhook_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a webhook with its log; an owner changes it. An htmx request gets the log only."""
    project = get_project(request, slug, Role.OWNER if request.method == "POST" else Role.RESEARCHER)
    webhook = get_object_or_404(Webhook.objects.select_related("created_by"), pk=pk, project=project)
    stored = {"url": webhook.url, "description": webhook.description, "events": webhook.events}
    form = WebhookForm(request.POST or None, initial=stored)
    if request.method == "POST" and form.is_valid():
        services.change_webhook(webhook, form.cleaned_data, request.user)
        messages.success(request, "Webhook saved.")
        return redirect("webhook", slug, pk)
    return _webhook_page(request, webhook, form, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def delivery_page(request: HttpRequest, slug: str, pk: int, number: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    found = Delivery.objects.filter(webhook__project=project, webhook=pk).select_related("webhook")
    delivery = get_object_or_404(found, pk=number)
    body = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
    context = {
        "webhook": delivery.webhook, "delivery": delivery, "attempts": delivery.attempts.all(), "body": body,
        "most": len(services.DELAYS),
    }  # fmt: skip
    template = "webhooks/_delivery.html" if is_partial(request) else "webhooks/delivery.html"
    return render(request, template, context)


@login_required
@require_POST
def webhook_action(request: HttpRequest, slug: str, pk: int, action: str) -> HttpResponse:
    """Rotate the secret (which is shown once), pause, resume, test or delete."""
    project = get_project(request, slug, Role.RESEARCHER if action == "test" else Role.OWNER)
    webhook = get_object_or_404(Webhook, pk=pk, project=project)
    if action == "rotate":
        secret = services.rotate_secret(webhook, request.user)
        form = WebhookForm(
            initial={"url": webhook.url, "description": webhook.description, "events": webhook.events}
        )
        return _webhook_page(request, webhook, form, secret=secret)
    if action == "test":
        delivery = services.send_test(webhook)
        messages.success(request, "Test event queued.")
        return redirect("webhook-delivery", slug, pk, delivery.pk)
    if action == "delete":
        services.delete_webhook(webhook, request.user)
        messages.success(request, "Webhook deleted.")
        return redirect("webhooks", slug)
    services.change_webhook(webhook, {"active": action == "resume"}, request.user)
    messages.success(
        request, "Webhook resumed." if action == "resume" else "Webhook paused. Events are not sent."
    )
    return redirect("webhook", slug, pk)


@login_required
@require_POST
def delivery_replay(request: HttpRequest, slug: str, pk: int, number: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    delivery = get_object_or_404(Delivery, pk=number, webhook=pk, webhook__project=project)
    if services.replay(delivery):
        messages.success(request, "The delivery is queued again, under the same id.")
    else:
        messages.info(request, "This delivery is still waiting for an attempt.")
    return redirect("webhook-delivery", slug, pk, number)


def _webhook_page(
    request: HttpRequest, webhook: Webhook, form: WebhookForm, secret: str = "", status: int = 200
) -> HttpResponse:
    state = request.GET.get("state", "")
    rows = webhook.deliveries.annotate(attempts_made=Count("attempts")).order_by("-pk")
    if state in Delivery.State.values:
        rows = rows.filter(state=state)
    page = page_of(request, rows, ROWS)
    context = {
        "webhook": webhook,
        "form": form,
        "secret": secret,
        "events": EVENTS,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "states": Delivery.State.values,
        "state": state,
        "waiting": webhook.deliveries.filter(state=Delivery.State.WAITING, tries=0).exists(),
        "kept_days": Delivery.KEPT.days,
    }
    template = "webhooks/_log.html" if is_partial(request) else "webhooks/webhook.html"
    return _unstored(render(request, template, context, status=status))


def _unstored(response: HttpResponse) -> HttpResponse:
    """Keep a page that may show a secret out of caches."""
    response["Cache-Control"] = "no-store"
    return response
