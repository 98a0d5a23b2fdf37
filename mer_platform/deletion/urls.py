from django.urls import path

from mer_platform.deletion import views

urlpatterns = [
    path("projects/<slug:slug>/clips/<int:pk>/delete/", views.clip_delete, name="clip-delete"),
    path("projects/<slug:slug>/subjects/<int:pk>/delete/", views.subject_delete, name="subject-delete"),
    path("projects/<slug:slug>/databases/<int:pk>/delete/", views.database_delete, name="database-delete"),
    path("projects/<slug:slug>/delete/", views.project_delete, name="project-delete"),
]
