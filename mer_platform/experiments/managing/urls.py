from django.urls import path

from mer_platform.experiments.managing import views
from mer_platform.experiments.managing.forms import FORMS

PROJECT = "projects/<slug:slug>/"

urlpatterns = [path(f"{PROJECT}tags/", views.tag_list, name="tags")]
for kind in views.MODELS:
    one = f"{PROJECT}{kind}s/<int:pk>/"
    urlpatterns += [
        path(f"{PROJECT}{kind}s/manage/", views.do_with_many, {"kind": kind}, name=f"manage-{kind}s"),
        path(f"{one}manage/", views.do, {"kind": kind}, name=f"manage-{kind}"),
        *(
            path(f"{one}{what}/", views.edit, {"kind": kind, "what": what}, name=f"{kind}-{what}")
            for what in FORMS
        ),
    ]
