from django.urls import path

from mer_platform.annotation import agreement_views, judge_views, views

urlpatterns = [
    path("projects/<slug:slug>/queue/", views.queue, name="queue"),
    path("projects/<slug:slug>/coding/", views.coding, name="coding"),
    path("projects/<slug:slug>/coding/assign/", views.assign, name="assign"),
    path("projects/<slug:slug>/coding/withdraw/<int:coder>/", views.withdraw, name="withdraw"),
    path("projects/<slug:slug>/agreement/", agreement_views.agreement, name="agreement"),
    path("projects/<slug:slug>/agreement/figure.json", agreement_views.figure, name="agreement-figure"),
    path("projects/<slug:slug>/agreement.csv", agreement_views.expressions_csv, name="agreement-csv"),
    path("projects/<slug:slug>/judge/", judge_views.judge, name="judge"),
    path("projects/<slug:slug>/clips/<int:pk>/reopen/", views.reopen, name="reopen"),
    path("projects/<slug:slug>/clips/<int:pk>/adjudicate/", judge_views.adjudicate, name="adjudicate"),
]
