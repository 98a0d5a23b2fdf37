from django.urls import path

from mer_platform.composites import views
from mer_platform.composites.builder import builder

COMPOSITES = "projects/<slug:slug>/composites/"

urlpatterns = [
    path(COMPOSITES, views.version_list, name="composites"),
    path(f"{COMPOSITES}new/", builder, name="composite-new"),
    path(f"{COMPOSITES}import/", views.version_import, name="composite-import"),
    path(f"{COMPOSITES}<int:pk>/", views.version_page, name="version"),
    path(f"{COMPOSITES}<int:pk>/edit/", views.version_edit, name="version-edit"),
    path(f"{COMPOSITES}<int:pk>/diff/", views.version_diff, name="version-diff"),
    path(f"{COMPOSITES}<int:pk>/version.json", views.version_json, name="version-json"),
]
