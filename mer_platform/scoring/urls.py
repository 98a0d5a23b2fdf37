from django.urls import path, re_path

from mer_platform.scoring import doubt_views, starting, views
from mer_platform.scoring.api import ScoringItems, ScoringResults
from mer_platform.scoring.doubt_api import AssignDoubtful
from mer_platform.scoring.results import TYPES

urlpatterns = [
    path("projects/<slug:slug>/scoring/", views.batch_list, name="scoring"),
    path("projects/<slug:slug>/scoring/new/", starting.batch_new, name="batch-new"),
    path("projects/<slug:slug>/scoring/new/files/", starting.batch_files, name="batch-files"),
    path("projects/<slug:slug>/scoring/<int:pk>/", views.batch_page, name="batch"),
    path("projects/<slug:slug>/scoring/<int:pk>/change/", views.batch_change, name="batch-change"),
    re_path(
        r"^projects/(?P<slug>[-\w]+)/scoring/(?P<pk>[0-9]{1,18})/(?P<action>cancel|retry)/$",
        views.batch_action,
        name="batch-action",
    ),
    path("projects/<slug:slug>/scoring/<int:pk>/doubt/", doubt_views.batch_doubt, name="batch-doubt"),
    path("projects/<slug:slug>/scoring/<int:pk>/doubt/saved/", doubt_views.batch_saved, name="batch-saved"),
    path("api/v1/scoring-batches/<int:pk>/assign/", AssignDoubtful.as_view(), name="assign-doubtful"),
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
