from django.urls import path

from mer_platform.experiments.leaderboard import views

urlpatterns = [
    path("projects/<slug:slug>/runs/", views.run_list, name="runs"),
]
