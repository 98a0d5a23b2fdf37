from django.urls import include, path

PARTS = (
    "attribution",
    "external",
    "leaderboard",
    "gallery",
    "runs",
    "sweeps",
    "comparison",
    "paper",
    "managing",
)

urlpatterns = [path("", include(f"mer_platform.experiments.{part}.urls")) for part in PARTS]
