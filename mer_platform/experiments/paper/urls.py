from django.urls import path

from mer_platform.experiments.paper import report, views

RUNS = "projects/<slug:slug>/runs/"

urlpatterns = [
    path(f"{RUNS}<int:pk>/report/", report.run_report, name="run-report"),
    path(f"{RUNS}<int:pk>/tables/<slug:name>/", views.run_table, name="run-table"),
    path(f"{RUNS}compare/tables/<slug:name>/", views.compare_table, name="compare-table"),
]
