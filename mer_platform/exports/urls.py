from django.urls import path

from mer_platform.exports import bundle_views, views
from mer_platform.exports.api import AnnotationTableView, SampleTableView
from mer_platform.exports.run_api import ComparedPredictionsView, RunPredictionsView
from mer_platform.table_files import CONTENT_TYPES

urlpatterns = [
    path("projects/<slug:slug>/runs/compare/bundle/", bundle_views.bundle_new, name="new-paper-bundle"),
    path("projects/<slug:slug>/bundles/<int:pk>/", bundle_views.bundle_page, name="paper-bundle"),
    path("projects/<slug:slug>/composites/<int:pk>/export/", views.version_export, name="version-export"),
    *(
        route
        for kind in CONTENT_TYPES
        for route in (
            path(
                f"api/v1/composite-versions/<int:pk>/samples.{kind}",
                SampleTableView.as_view(kind=kind),
                name=f"samples-{kind}",
            ),
            path(
                f"api/v1/projects/<int:pk>/annotations.{kind}",
                AnnotationTableView.as_view(kind=kind),
                name=f"annotations-{kind}",
            ),
            path(
                f"api/v1/runs/<int:pk>/predictions.{kind}",
                RunPredictionsView.as_view(kind=kind),
                name=f"predictions-{kind}",
            ),
            path(
                f"api/v1/runs/compare/predictions.{kind}",
                ComparedPredictionsView.as_view(kind=kind),
                name=f"compared-predictions-{kind}",
            ),
        )
    ),
]
