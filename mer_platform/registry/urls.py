from django.urls import path

from mer_platform.registry import views
from mer_platform.registry.file_api import ModelFileView
from mer_platform.registry.files import CONTENT_TYPES

urlpatterns = [
    path("projects/<slug:slug>/models/", views.model_list, name="models"),
    path("projects/<slug:slug>/models/import/", views.model_import, name="model-import"),
    path("projects/<slug:slug>/models/<int:pk>/", views.model_page, name="model"),
    path("projects/<slug:slug>/models/<int:pk>/stage/", views.model_stage, name="model-stage"),
    path("projects/<slug:slug>/models/<int:pk>/aliases/", views.model_alias, name="model-alias"),
    path("projects/<slug:slug>/models/<int:pk>/edit/", views.model_edit, name="model-edit"),
    path("projects/<slug:slug>/models/<int:pk>/export/", views.model_export, name="model-export"),
    path("projects/<slug:slug>/models/<int:pk>/files/<str:name>", views.model_download, name="model-file"),
    path("projects/<slug:slug>/runs/<int:pk>/register/", views.run_register, name="run-register"),
    *(
        path(f"api/v1/models/<int:pk>/files/{name}", ModelFileView.as_view(kind=name), name=f"model-{name}")
        for name in CONTENT_TYPES
    ),
]
