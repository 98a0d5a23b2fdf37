from django.urls import path

from mer_platform.experiments.sweeps import launch_views, views

EXPERIMENTS = "projects/<slug:slug>/experiments/"
EXPERIMENT = f"{EXPERIMENTS}<int:pk>/"

urlpatterns = [
    path("projects/<slug:slug>/runs/new/", launch_views.run_new, name="run-new"),
    path(EXPERIMENTS, views.experiment_list, name="experiments"),
    path(EXPERIMENT, views.experiment_page, name="experiment"),
    path(f"{EXPERIMENT}folds.json", views.experiment_folds, name="experiment-folds"),
    path(f"{EXPERIMENT}folds/<int:run>/<int:index>.json", views.experiment_fold, name="experiment-fold"),
    path(f"{EXPERIMENT}answer/", views.experiment_answer, name="experiment-answer"),
    path(f"{EXPERIMENT}effects/", views.experiment_effects, name="effects-of-experiment"),
    path(f"{EXPERIMENT}runs/", views.experiment_runs, name="runs-of-experiment"),
    path(f"{EXPERIMENT}failed/", views.experiment_failed, name="experiment-failed"),
    path(f"{EXPERIMENT}workers/", views.experiment_workers, name="experiment-workers"),
    path(f"{EXPERIMENT}figures/<slug:name>.json", views.experiment_figure, name="experiment-figure"),
    path(f"{EXPERIMENT}seeds/", views.experiment_seeds, name="add-seeds"),
    *(
        path(f"{EXPERIMENT}{action}/", views.experiment_do, {"action": action}, name=f"{action}-experiment")
        for action in ("pause", "resume", "cancel", "rerun-failed")
    ),
]
