from django.urls import path

from mer_platform.experiments.comparison import views

COMPARE = "projects/<slug:slug>/runs/compare/"

urlpatterns = [
    path(COMPARE, views.compare_page, name="compare-runs"),
    path(f"{COMPARE}disagreements/", views.compare_disagreements, name="compare-disagreements"),
    path(f"{COMPARE}figures/<slug:name>.json", views.compare_figure, name="compare-figure"),
]
