from django.urls import path

from mer_platform.projects import views
from mer_platform.projects.me_api import Me, TokenViewSet
from mer_platform.projects.members_api import MemberViewSet

urlpatterns = [
    path("", views.home, name="home"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:pk>/delete/", views.token_delete, name="token-delete"),
    path("api/v1/me/", Me.as_view(), name="me"),
    path("api/v1/me/tokens/", TokenViewSet.as_view({"get": "list", "post": "create"}), name="me-token-list"),
    path(
        "api/v1/me/tokens/<int:pk>/",
        TokenViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="me-token-detail",
    ),
    path(
        "api/v1/projects/<int:project_pk>/members/",
        MemberViewSet.as_view({"get": "list", "post": "create"}),
        name="project-member-list",
    ),
    path(
        "api/v1/projects/<int:project_pk>/members/<int:pk>/",
        MemberViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="project-member-detail",
    ),
    path("projects/<slug:slug>/activity/", views.activity, name="activity"),
    path("projects/<slug:slug>/members/", views.members, name="members"),
    path("projects/<slug:slug>/members/<int:pk>/", views.member_role, name="member-role"),
]
