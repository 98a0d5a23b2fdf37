from django.urls import path

from mer_platform.overview import views

urlpatterns = [
    path("projects/<slug:slug>/", views.overview, name="project"),
]
