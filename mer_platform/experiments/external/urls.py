from django.urls import path

from mer_platform.experiments.external import views

VERSION = "projects/<slug:slug>/composites/<int:pk>/predictions/"
UPLOAD = "projects/<slug:slug>/runs/predictions/<int:pk>/"

urlpatterns = [
    path(VERSION, views.external_new, name="external-new"),
    path(f"{VERSION}template.csv", views.external_template, name="external-template"),
    path(UPLOAD, views.external_upload, name="external-upload"),
    path(f"{UPLOAD}problems.csv", views.external_problems, name="external-problems"),
    path(f"{UPLOAD}confirm/", views.external_confirm, name="external-confirm"),
    path(f"{UPLOAD}discard/", views.external_discard, name="external-discard"),
]
