from django.urls import path

from mer_platform.experiments import launch_views, views

urlpatterns = [
    path("projects/<slug:slug>/runs/", views.run_list, name="runs"),
    path("projects/<slug:slug>/runs/new/", launch_views.run_new, name="run-new"),
    path("projects/<slug:slug>/runs/comparison.json", views.comparison_figure, name="comparison"),
    path("projects/<slug:slug>/runs/<int:pk>/", views.run_page, name="run"),
    path("projects/<slug:slug>/runs/<int:pk>/cancel/", views.run_cancel, name="cancel-run"),
    path("projects/<slug:slug>/runs/<int:pk>/figures/<slug:name>.json", views.run_figure, name="figure"),
]
