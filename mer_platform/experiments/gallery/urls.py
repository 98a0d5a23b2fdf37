from django.urls import path

from mer_platform.experiments.gallery import views

GALLERY = "projects/<slug:slug>/runs/gallery/"

urlpatterns = [
    path(GALLERY, views.gallery_page, name="gallery"),
    path(f"{GALLERY}images/", views.compute_images, name="gallery-images"),
    path(f"{GALLERY}images/<int:set_pk>/<int:index>/<slug:part>.png", views.image, name="gallery-image"),
    path(f"{GALLERY}<int:index>/", views.sample_page, name="gallery-sample"),
]
