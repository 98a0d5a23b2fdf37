from django.urls import path

from mer_platform.annotation.exchange import column_views, views
from mer_platform.annotation.exchange.api import AnnotationFile
from models_ml.formats import EXPORTS

urlpatterns = [
    path("projects/<slug:slug>/annotations/", views.exchange, name="annotation-exchange"),
    path("projects/<slug:slug>/annotations/export/", views.export, name="annotation-export"),
    path("projects/<slug:slug>/annotations/imports/<int:pk>/", views.report, name="annotation-file"),
    path(
        "projects/<slug:slug>/annotations/imports/<int:pk>/problems.csv",
        views.problem_rows,
        name="annotation-file-problems",
    ),
    path(
        "projects/<slug:slug>/annotations/imports/<int:pk>/confirm/",
        views.confirm_import,
        name="annotation-file-confirm",
    ),
    path(
        "projects/<slug:slug>/annotations/imports/<int:pk>/choose/",
        views.choose_rows,
        name="annotation-file-choose",
    ),
    path(
        "projects/<slug:slug>/annotations/imports/<int:pk>/columns/",
        column_views.choose_columns,
        name="annotation-file-columns",
    ),
    path(
        "projects/<slug:slug>/annotations/imports/<int:pk>/columns.json",
        column_views.column_map_file,
        name="annotation-file-column-map",
    ),
    path(
        "projects/<slug:slug>/annotations/imports/<int:pk>/compare/",
        views.compare_again,
        name="annotation-file-compare",
    ),
    path(
        "projects/<slug:slug>/annotations/imports/<int:pk>/undo/",
        views.undo_whole,
        name="annotation-file-undo",
    ),
    path(
        "projects/<slug:slug>/annotations/imports/<int:pk>/discard/",
        views.discard,
        name="annotation-file-discard",
    ),
    *(
        path(
            f"api/v1/projects/<int:pk>/annotations.{kind}",
            AnnotationFile.as_view(kind=kind),
            name=f"annotations-{kind}",
        )
        for kind in EXPORTS
    ),
]
