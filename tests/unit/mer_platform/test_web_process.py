"""What a web process loads."""

import os
import subprocess
import sys

SERVE_EVERYTHING = """
import sys
import mer_platform.wsgi
from django.urls import get_resolver
assert len(get_resolver().url_patterns) > 5
from models_ml.config import RunConfig
RunConfig.model_json_schema()
print(sorted({"torch", "cv2", "av", "dlib", "safetensors", "numba"} & set(sys.modules)))
"""


def test_a_web_process_never_loads_torch_or_opencv() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mer_platform.settings"}
    command = [sys.executable, "-c", SERVE_EVERYTHING]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert loaded.stdout.strip() == "[]"
