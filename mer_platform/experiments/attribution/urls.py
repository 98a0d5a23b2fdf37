from django.urls import path

from mer_platform.experiments.attribution import views

PAGE = "projects/<slug:slug>/runs/<int:pk>/attribution/"

urlpatterns = [
    path(PAGE, views.attribution_page, name="attribution"),
    path(f"{PAGE}start/", views.attribution_start, name="start-attribution"),
    path(f"{PAGE}cancel/", views.attribution_cancel, name="cancel-attribution"),
    path(f"{PAGE}figures/<slug:name>.json", views.attribution_figure, name="attribution-figure"),
]
