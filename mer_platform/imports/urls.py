from django.urls import path

from mer_platform.imports import folder_views, views

urlpatterns = [
    path(
        "administration/import-folders/", folder_views.administration_folders, name="administration-folders"
    ),
    path(
        "administration/import-folders/<int:pk>/withdraw/",
        folder_views.administration_folder_withdraw,
        name="administration-folder-withdraw",
    ),
    path("projects/<slug:slug>/imports/", views.import_list, name="imports"),
    path("projects/<slug:slug>/imports/new/", views.import_new, name="import-new"),
    path("projects/<slug:slug>/imports/folders/", views.folders, name="import-folders"),
    path("projects/<slug:slug>/imports/<int:pk>/", views.import_page, name="import"),
    path(
        "projects/<slug:slug>/imports/<int:pk>/problems.csv", views.problem_rows, name="import-problem-rows"
    ),
    path("projects/<slug:slug>/imports/<int:pk>/report.json", views.report, name="import-report"),
    path(
        "projects/<slug:slug>/imports/<int:pk>/columns/", views.import_columns, name="choose-import-columns"
    ),
    path(
        "projects/<slug:slug>/imports/<int:pk>/columns.json",
        views.column_map_file,
        name="import-column-map-file",
    ),
    path("projects/<slug:slug>/imports/<int:pk>/confirm/", views.import_confirm, name="confirm-import"),
    path("projects/<slug:slug>/imports/<int:pk>/cancel/", views.import_cancel, name="cancel-import"),
]
