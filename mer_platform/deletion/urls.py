from django.urls import path

from mer_platform.deletion import batch_views, model_views, run_views, storage_views, version_views, views

urlpatterns = [
    path("administration/storage/", storage_views.storage_use, name="administration-storage"),
    path("projects/<slug:slug>/models/<int:pk>/delete/", model_views.model_delete, name="model-delete"),
    path(
        "projects/<slug:slug>/composites/<int:pk>/delete/",
        version_views.version_delete,
        name="version-delete",
    ),
    path("projects/<slug:slug>/clips/<int:pk>/delete/", views.clip_delete, name="clip-delete"),
    path("projects/<slug:slug>/subjects/<int:pk>/delete/", views.subject_delete, name="subject-delete"),
    path("projects/<slug:slug>/databases/<int:pk>/delete/", views.database_delete, name="database-delete"),
    path("projects/<slug:slug>/scoring/<int:pk>/delete/", batch_views.batch_delete, name="batch-delete"),
    path("projects/<slug:slug>/delete/", views.project_delete, name="project-delete"),
    *(
        path(
            f"projects/<slug:slug>/{kind}s/<int:pk>/delete/",
            run_views.delete_one,
            {"kind": kind},
            name=f"{kind}-delete",
        )
        for kind in ("run", "experiment")
    ),
    *(
        path(
            f"projects/<slug:slug>/{kind}s/delete/",
            run_views.delete_many,
            {"kind": kind},
            name=f"{kind}s-delete",
        )
        for kind in ("run", "experiment")
    ),
]
