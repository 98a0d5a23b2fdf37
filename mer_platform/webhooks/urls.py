from django.urls import path, re_path

from mer_platform.webhooks import views

urlpatterns = [
    path("projects/<slug:slug>/webhooks/", views.webhook_list, name="webhooks"),
    path("projects/<slug:slug>/webhooks/<int:pk>/", views.webhook_page, name="webhook"),
    re_path(
        r"^projects/(?P<slug>[-\w]+)/webhooks/(?P<pk>[0-9]{1,18})/(?P<action>rotate|test|pause|resume|delete)/$",
        views.webhook_action,
        name="webhook-action",
    ),
    path(
        "projects/<slug:slug>/webhooks/<int:pk>/deliveries/<int:number>/",
        views.delivery_page,
        name="webhook-delivery",
    ),
    path(
        "projects/<slug:slug>/webhooks/<int:pk>/deliveries/<int:number>/replay/",
        views.delivery_replay,
        name="webhook-replay",
    ),
]
