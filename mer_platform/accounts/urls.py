from django.urls import path

from mer_platform.accounts import views
from mer_platform.accounts.api import InstallationSettings

urlpatterns = [
    path("sessions/", views.sessions, name="sessions"),
    path("administration/", views.administration, name="administration"),
    path("api/v1/installation/", InstallationSettings.as_view(), name="installation"),
]
