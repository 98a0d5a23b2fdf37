import os

import plotly.graph_objects as go
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from mer_platform.data_folder import OpenFolder, keep_private
from mer_platform.statements import limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
application = get_wsgi_application()
try:
    keep_private(settings.DATA_DIR, settings.MEDIA_ROOT)
except OpenFolder as error:
    raise SystemExit(str(error)) from error
# Load all views and the chart library now: otherwise the first visitor of each process waits for them.
get_resolver().url_patterns  # noqa: B018
go.Figure(go.Scatter())

from mer_platform.jobs.broker import be_quick  # noqa: E402 - needs the applications

be_quick()
limit_statements(settings.STATEMENT_SECONDS)
