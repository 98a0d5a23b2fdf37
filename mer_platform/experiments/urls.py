from django.urls import path

from mer_platform.experiments import comparison_views, experiment_views, launch_views, views

EXPERIMENTS = "projects/<slug:slug>/experiments/"

urlpatterns = [
    path("projects/<slug:slug>/runs/", views.run_list, name="runs"),
    path("projects/<slug:slug>/runs/new/", launch_views.run_new, name="run-new"),
    path("projects/<slug:slug>/runs/<int:pk>/", views.run_page, name="run"),
    path("projects/<slug:slug>/runs/<int:pk>/cancel/", views.run_cancel, name="cancel-run"),
    path("projects/<slug:slug>/runs/<int:pk>/again/", views.run_again, name="rerun-run"),
    path("projects/<slug:slug>/runs/<int:pk>/figures/<slug:name>.json", views.run_figure, name="figure"),
    path("projects/<slug:slug>/runs/<int:pk>/model/", experiment_views.train_model, name="train-model"),
    path(EXPERIMENTS, experiment_views.experiment_list, name="experiments"),
    path(f"{EXPERIMENTS}<int:pk>/", experiment_views.experiment_page, name="experiment"),
    path(f"{EXPERIMENTS}<int:pk>/folds.json", experiment_views.experiment_folds, name="experiment-folds"),
    path(
        f"{EXPERIMENTS}<int:pk>/folds/<int:run>/<int:index>.json",
        experiment_views.experiment_fold,
        name="experiment-fold",
    ),
    path(f"{EXPERIMENTS}<int:pk>/answer/", experiment_views.experiment_answer, name="experiment-answer"),
    path(f"{EXPERIMENTS}<int:pk>/failed/", experiment_views.experiment_failed, name="experiment-failed"),
    path(f"{EXPERIMENTS}<int:pk>/workers/", experiment_views.experiment_workers, name="experiment-workers"),
    path(
        f"{EXPERIMENTS}<int:pk>/figures/<slug:name>.json",
        experiment_views.experiment_figure,
        name="experiment-figure",
    ),
    path(f"{EXPERIMENTS}<int:pk>/seeds/", experiment_views.experiment_seeds, name="add-seeds"),
    *(
        path(
            f"{EXPERIMENTS}<int:pk>/{action}/",
            experiment_views.experiment_do,
            {"action": action},
            name=f"{action}-experiment",
        )
        for action in ("pause", "resume", "cancel", "rerun-failed")
    ),
    path("projects/<slug:slug>/runs/compare/", comparison_views.compare_page, name="compare-runs"),
    path(
        "projects/<slug:slug>/runs/compare/figures/<slug:name>.json",
        comparison_views.compare_figure,
        name="compare-figure",
    ),
]
