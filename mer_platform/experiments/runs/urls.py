from django.urls import path

from mer_platform.experiments.runs import views

RUNS = "projects/<slug:slug>/runs/"

urlpatterns = [
    path(f"{RUNS}<int:pk>/", views.run_page, name="run"),
    path(f"{RUNS}<int:pk>/cancel/", views.run_cancel, name="cancel-run"),
    path(f"{RUNS}<int:pk>/again/", views.run_again, name="rerun-run"),
    path(f"{RUNS}<int:pk>/model/", views.train_model, name="train-model"),
    path(f"{RUNS}<int:pk>/figures/<slug:name>.json", views.run_figure, name="figure"),
]
