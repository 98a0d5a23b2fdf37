"""A web process stays small: only workers load what computes."""

import json
import subprocess
import sys

HEAVY = {"torch", "cv2", "av", "dlib", "safetensors", "numba", "sklearn", "skimage"}
# The schema comes from every view of the API, and the address book from every page.
SERVES = """
import json, sys
import mer_platform.wsgi
from django.test import Client
from models_ml.config import RunConfig
RunConfig.model_json_schema()
assert Client(SERVER_NAME="localhost").get("/api/schema/").status_code == 200
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_web_process_loads_no_library_that_computes(tmp_path):
    """The import contracts read the code; this looks at what a process has really imported."""
    environment = {"MER_DATA_DIR": str(tmp_path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", SERVES], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert {"django", "mer_platform", "models_ml"} <= loaded
    assert loaded.isdisjoint(HEAVY), loaded & HEAVY
