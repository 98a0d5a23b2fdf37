from django.urls import path

from mer_platform.experiments.leaderboard import actions, views

RUNS = "projects/<slug:slug>/runs/"

urlpatterns = [
    path(RUNS, views.run_list, name="runs"),
    path(f"{RUNS}table/", views.run_list_table, name="runs-table"),
    path(f"{RUNS}<int:pk>/pin/", actions.pin_run, {"pinned": True}, name="pin-run"),
    path(f"{RUNS}<int:pk>/unpin/", actions.pin_run, {"pinned": False}, name="unpin-run"),
    path(f"{RUNS}views/", actions.view_save, name="save-view"),
    path(f"{RUNS}views/<int:pk>/", actions.view_change, name="change-view"),
]
