from django.urls import path

from mer_platform.annotation.adjudication import views as adjudication
from mer_platform.annotation.agreement import views as agreement
from mer_platform.annotation.assignments import views as assignments
from mer_platform.annotation.coding import clip_list, views
from mer_platform.annotation.coding.api import ClipSuggestions, SpotProject

urlpatterns = [
    path("projects/<slug:slug>/clips/", clip_list.clip_list, name="clips"),
    path("projects/<slug:slug>/clips/spot/", clip_list.spot, name="spot"),
    path("projects/<slug:slug>/clips/<int:pk>/", views.clip_page, name="clip"),
    path("projects/<slug:slug>/clips/<int:pk>/adopt/<int:annotation>/", views.adopt, name="adopt"),
    path("projects/<slug:slug>/clips/<int:pk>/reopen/", views.reopen, name="reopen"),
    path("projects/<slug:slug>/clips/<int:pk>/adjudicate/", adjudication.adjudicate, name="adjudicate"),
    path("projects/<slug:slug>/queue/", views.queue, name="queue"),
    path("projects/<slug:slug>/coding/", views.coding, name="coding"),
    path("projects/<slug:slug>/coding/assign/", assignments.assign, name="assign"),
    path("projects/<slug:slug>/coding/withdraw/<int:coder>/", assignments.withdraw, name="withdraw"),
    path("projects/<slug:slug>/agreement/", agreement.agreement, name="agreement"),
    path("projects/<slug:slug>/agreement/figure.json", agreement.figure, name="agreement-figure"),
    path("projects/<slug:slug>/agreement.csv", agreement.expressions_csv, name="agreement-csv"),
    path("projects/<slug:slug>/judge/", adjudication.judge, name="judge"),
    path("api/v1/clips/<int:pk>/suggestions/", ClipSuggestions.as_view(), name="clip-suggestions"),
    path("api/v1/projects/<int:pk>/spot/", SpotProject.as_view(), name="project-spot"),
]
