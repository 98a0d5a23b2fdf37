from django.urls import path

from mer_platform.clips import views

urlpatterns = [
    path("projects/<slug:slug>/clips/pictures/", views.picture_list, name="pictures"),
    path("projects/<slug:slug>/clips/upload/", views.upload, name="upload"),
    path("projects/<slug:slug>/clips/<int:pk>/rate/", views.clip_rate, name="clip-rate"),
    path("projects/<slug:slug>/clips/<int:pk>/turn/", views.clip_turn, name="turn-clip"),
    path("projects/<slug:slug>/databases/new/", views.database_edit, name="database-new"),
    path("projects/<slug:slug>/databases/<int:pk>/", views.database_edit, name="database"),
]
