from django.urls import path

from mer_platform.features import views
from mer_platform.features.api import FeatureSetViewSet

PAGE = "projects/<slug:slug>/composites/<int:pk>/features/"
API = "api/v1/composite-versions/<int:version>/features/"

urlpatterns = [
    path(PAGE, views.features_page, name="features"),
    path(f"{PAGE}<int:set_pk>/<int:index>/", views.sample_page, name="feature-sample"),
    path(f"{PAGE}<int:set_pk>/<slug:index>/<slug:part>.png", views.image, name="feature-picture"),
    path(API, FeatureSetViewSet.as_view({"get": "list", "post": "create"}), name="feature-sets"),
    path(f"{API}<int:pk>/", FeatureSetViewSet.as_view({"get": "retrieve"}), name="feature-set"),
    path(
        f"{API}<int:pk>/samples/<int:index>/",
        FeatureSetViewSet.as_view({"get": "sample"}),
        name="feature-set-sample",
    ),
    path(
        f"{API}<int:pk>/samples/<slug:index>/<slug:part>.png",
        FeatureSetViewSet.as_view({"get": "image"}),
        name="feature-set-picture",
    ),
]
