import os

import plotly.graph_objects as go
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
application = get_wsgi_application()
# Load all views and the chart library now: otherwise the first visitor of each process waits for them.
get_resolver().url_patterns  # noqa: B018
go.Figure(go.Scatter())
