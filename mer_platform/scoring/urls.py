from django.urls import path

from mer_platform.scoring import views
from mer_platform.scoring.api import ScoringItems, ScoringResults
from mer_platform.scoring.results import TYPES

urlpatterns = [
    path("projects/<slug:slug>/scoring/", views.batch_list, name="scoring"),
    path("projects/<slug:slug>/scoring/new/", views.batch_new, name="batch-new"),
    path("projects/<slug:slug>/scoring/<int:pk>/", views.batch_page, name="batch"),
    path(
        "api/v1/scoring-batches/<int:pk>/items/", ScoringItems.as_view({"get": "list"}), name="scoring-items"
    ),
    *(
        path(
            f"api/v1/scoring-batches/<int:pk>/results.{kind}",
            ScoringResults.as_view(kind=kind),
            name=f"scoring-results-{kind}",
        )
        for kind in TYPES
    ),
]
