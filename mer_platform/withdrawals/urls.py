from django.urls import path

from mer_platform.withdrawals import views

urlpatterns = [
    path("projects/<slug:slug>/subjects/<int:pk>/withdraw/", views.subject_withdraw, name="subject-withdraw"),
    path("projects/<slug:slug>/withdrawals/", views.withdrawal_list, name="withdrawals"),
    path("projects/<slug:slug>/withdrawals/<int:pk>/", views.withdrawal_page, name="withdrawal"),
]
