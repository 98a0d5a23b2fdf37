from django.urls import include, path

urlpatterns = [
    path("", include(f"mer_platform.experiments.{part}.urls"))
    for part in ("external", "leaderboard", "gallery", "runs", "sweeps", "comparison", "paper")
]
