from django.urls import path

from mer_platform.scoring import views

urlpatterns = [
    path("projects/<slug:slug>/scoring/", views.batch_list, name="scoring"),
    path("projects/<slug:slug>/scoring/new/", views.batch_new, name="batch-new"),
    path("projects/<slug:slug>/scoring/<int:pk>/", views.batch_page, name="batch"),
]
