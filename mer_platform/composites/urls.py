from django.urls import path

from mer_platform.composites import views

urlpatterns = [
    path("projects/<slug:slug>/composites/", views.version_list, name="composites"),
    path("projects/<slug:slug>/composites/new/", views.builder, name="composite-new"),
    path("projects/<slug:slug>/composites/<int:pk>/", views.version_page, name="version"),
]
