from django.urls import path

from mer_platform.operation.metrics.views import metrics

urlpatterns = [path("metrics", metrics, name="metrics")]
