"""Settings, read from the environment, with defaults that need no server.

``MER_DATA_DIR``     the folder for all data (default ``./var``)
``DATABASE_URL``     PostgreSQL instead of SQLite, such as ``postgres://user:password@host/name``
``REDIS_URL``        Redis instead of the filesystem broker, such as ``redis://host:6379/0``
``MER_REDIS_PREFIX``  what all keys in Redis begin with, for several installations on one Redis, such as ``lab:``
``MER_STORAGE_URL``  an object store instead of files in the data folder, such as ``s3://bucket/prefix?endpoint_url=https://host``
``MER_SECRET_KEY``   the signing key (default: created in the data folder at the first start)
``MER_ALLOWED_HOSTS``, ``MER_TRUSTED_ORIGINS``  host names and origins of a public address, separated by commas
``MER_IMPORT_DIR``   the folder that holds databases to import (default ``<data folder>/import``)
``MER_DECODE_MEMORY``, ``MER_DECODE_OUTPUT``, ``MER_DECODE_SECONDS``  the most memory and frame pack (bytes), and processor
                     time, for one clip (default 1 GiB, 16 GiB, 300 s); see docs/scaling.md
``MER_MIN_FREE_BYTES``  bytes of each disk that must stay free (default 1 GiB, or 2% of a small disk); see docs/outages.md
``MER_STATEMENT_SECONDS``, ``MER_WORKER_STATEMENT_SECONDS``  after so many seconds PostgreSQL cancels a statement of a web
                     process (default 60) and of a worker (default 3600); 0: never
``MER_FOLD_WEIGHTS_DAYS``  the days for which the networks of folds are kept (default 30; 0: always), unless starred
``MER_EXPORT_DAYS``  the days for which feature exports and paper bundles are kept (default 0: always)
``MER_JOB_DAYS``     the days for which the rows of jobs that have ended are kept (default 0: always)
``MER_WEBHOOK_ALLOW_PRIVATE``  networks, separated by commas, that webhooks may reach although they are not public, also
                     without TLS, such as ``10.20.0.0/16``; see docs/webhooks.md
``MER_WEBHOOK_CA_FILE``  certificates (PEM) of further authorities that receivers of webhooks may have theirs from
``MER_WEB_THREADS``  the threads of each web process (default 12); all but four of them may wait for ``?wait=`` of the API
``MER_BACKUP_PASSPHRASE``  what ``manage.py backup`` encrypts with; see docs/operation.md
``MER_METRICS_TOKEN``, ``MER_METRICS_FROM``  who may read /metrics: a bearer token, or networks (default: no one)
``MER_LOG_FORMAT=json``  one JSON object per line of the log, with an access log; ``MER_LOG_LEVEL`` (default INFO)
``MER_HTTPS=1``      secure cookies and HSTS, behind a proxy that ends TLS
"""

import os
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from mer_platform import __version__, environment

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = environment.folder("MER_DATA_DIR", BASE_DIR / "var")


def secret_key() -> str:
    """Return the key from the environment, or the one in the data folder: created once, readable only by this user."""
    if key := os.environ.get("MER_SECRET_KEY"):
        return key
    path = DATA_DIR / "secret_key"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(get_random_secret_key())
    except FileExistsError:
        pass
    return path.read_text()


def default_storage(url: str) -> dict[str, Any]:
    """Return the settings of the file storage: the object store at ``url``, or the data folder if there is none."""
    if not url:
        return {"BACKEND": "mer_platform.storage.ContentStorage"}
    from mer_platform.objectstore import storage_of  # its libraries are slow to load, and rarely needed

    try:
        return storage_of(url)
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error


SECRET_KEY = secret_key()
DEBUG = environment.switch("MER_DEBUG")
ALLOWED_HOSTS = environment.texts("MER_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.origins("MER_TRUSTED_ORIGINS")
HTTPS = environment.switch("MER_HTTPS")
DEMO = environment.switch("MER_DEMO", default=True)  # a new platform has the demo project

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_filters",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "mer_platform.rest",
    "mer_platform.accounts",
    "mer_platform.projects",
    "mer_platform.jobs",
    "mer_platform.uploads",
    "mer_platform.webhooks",
    "mer_platform.clips",
    "mer_platform.annotation",
    "mer_platform.annotation.exchange",
    "mer_platform.composites",
    "mer_platform.features",
    "mer_platform.experiments",
    "mer_platform.registry",
    "mer_platform.scoring",
    "mer_platform.exports",
    "mer_platform.imports",
    "mer_platform.deletion",
    "mer_platform.withdrawals",
    "mer_platform.filling",
    "mer_platform.serving",
    "mer_platform.operation",
]

MIDDLEWARE = [
    "mer_platform.rest.request_ids.RequestIds",
    "mer_platform.operation.metrics.requests.CountRequests",
    "mer_platform.rest.errors.ApiProblems",
    "mer_platform.rest.outages.Outages",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "mer_platform.compression.CompressText",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "mer_platform.forms_kept.KeepForms",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "mer_platform.projects.hashing.SignInsInTurn",
]

ROOT_URLCONF = "mer_platform.urls"
WSGI_APPLICATION = "mer_platform.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "frontend" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["mer_platform.tags"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mer_platform.projects.access.navigation",
                "mer_platform.overview.navigation.current_tab",
                "mer_platform.annotation.coding.queue.queue_count",
            ],
        },
    },
]

DATABASES = {"default": environment.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'mer.sqlite3'}")}
# WAL lets readers continue while a worker writes; IMMEDIATE takes the write lock at the start of a transaction, so that
# contention means waiting and not "database is locked".
SQLITE_OPTIONS = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
else:  # a server that is gone is noticed within 20 s, and a connection is tried for 5 s
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
    DATABASES["default"]["OPTIONS"].setdefault("tcp_user_timeout", 20_000)
# PostgreSQL cancels statements of web processes and of workers after so many seconds; 0: never.
STATEMENT_SECONDS = environment.seconds("MER_STATEMENT_SECONDS", 60)
WORKER_STATEMENT_SECONDS = environment.seconds("MER_WORKER_STATEMENT_SECONDS", 3600)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

PASSWORD_HASHERS = [
    "mer_platform.projects.hashing.OneAtATime",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
SESSION_ENGINE = "mer_platform.accounts.sessions"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True  # scripts read the token from <meta name="csrf-token">
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # the lab's other subdomains are not ours to decide on
    "security.W021",  # nor is the list of hosts that browsers know in advance
    "security.W008",  # the proxy sends plain HTTP to HTTPS; health checks inside of the host have no TLS
]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "frontend" / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "mer_platform.finders.PlotlyFinder",
]
MEDIA_ROOT = DATA_DIR / "media"
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
STORAGE_URL = os.environ.get("MER_STORAGE_URL", "")
STORAGES = {
    "default": default_storage(STORAGE_URL),
    "staticfiles": {"BACKEND": "mer_platform.storage.StaticStorage"},
}
WHITENOISE_MAX_AGE = 3600
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
# Researchers name folders below this one. Nothing outside it can be read over the web.
IMPORT_DIR = Path(os.environ.get("MER_IMPORT_DIR") or DATA_DIR / "import")
MAX_SHEET_BYTES = 32 * 1024**2
MAX_CLIP_BYTES = environment.whole("MER_MAX_CLIP_BYTES", 2 * 1024**3, 1)
# Bytes that stay free on each disk: uploads and results that would use them wait. None: 1 GiB, or 2% of a small disk.
MIN_FREE_BYTES = environment.whole("MER_MIN_FREE_BYTES", 0) if os.environ.get("MER_MIN_FREE_BYTES") else None
# What the decoder process of a worker may use for one clip: bytes of memory and frame pack, and seconds of processor time.
DECODE_MEMORY = environment.whole("MER_DECODE_MEMORY", 1024**3, 1)
DECODE_OUTPUT = environment.whole("MER_DECODE_OUTPUT", 16 * 1024**3, 1)
DECODE_SECONDS = environment.seconds("MER_DECODE_SECONDS", 300)

# Weights of models that a worker process keeps in memory between scoring jobs, in bytes.
MODEL_CACHE_BYTES = environment.whole("MER_MODEL_CACHE_BYTES", 512 * 1024**2)

# After so many days, upkeep removes the networks of folds, except those of starred runs and experiments; 0: never. A run of
# the default network with 68 folds has 53 MB of them, and attribution on held-out samples needs them.
FOLD_WEIGHTS_DAYS = environment.seconds("MER_FOLD_WEIGHTS_DAYS", 30, unit="days")
EXPORT_DAYS = environment.seconds("MER_EXPORT_DAYS", 0, unit="days")
JOB_DAYS = environment.seconds("MER_JOB_DAYS", 0, unit="days")

WEBHOOK_CA_FILE = os.environ.get("MER_WEBHOOK_CA_FILE", "")
WEBHOOK_ALLOW_PRIVATE = environment.networks("MER_WEBHOOK_ALLOW_PRIVATE")

# Who may read /metrics. The web processes of a machine count in shared files, which this variable names.
METRICS_TOKEN = os.environ.get("MER_METRICS_TOKEN", "")
METRICS_FROM = environment.networks("MER_METRICS_FROM")
if METRICS_TOKEN or METRICS_FROM:
    (DATA_DIR / "metrics").mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(DATA_DIR / "metrics"))

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "mer_platform.projects.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "mer_platform.rest.json_parser.JsonParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "mer_platform.rest.pagination.Pagination",
    "DEFAULT_FILTER_BACKENDS": [
        "mer_platform.rest.filters.ApiFilterBackend",
        "mer_platform.rest.filters.ApiSearchFilter",
        "mer_platform.rest.filters.OrderingFilter",
    ],
    "DEFAULT_SCHEMA_CLASS": "mer_platform.rest.schema.operations.ApiSchema",
    "EXCEPTION_HANDLER": "mer_platform.rest.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "MER Platform API",
    "VERSION": __version__,
    "DESCRIPTION": "Clips, annotations, frozen composites, leave-one-subject-out runs and batch scoring.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "OAS_VERSION": "3.1.1",
    "GET_LIB_DOC_EXCLUDES": "mer_platform.rest.schema.operations.bases_without_description",
    "SERVERS": [{"url": "/", "description": "This platform."}],
    "LICENSE": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
    "POSTPROCESSING_HOOKS": [
        "mer_platform.rest.schema.hooks.name_enumerations",
        "mer_platform.rest.schema.hooks.describe_null_as_a_type",
        "mer_platform.rest.schema.hooks.leave_files_out_of_json",
        "mer_platform.rest.schema.hooks.allow_more_in_problems",
        "mer_platform.rest.schema.hooks.describe_areas",
        "mer_platform.rest.schema.examples.add_examples",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ExperimentStateEnum": "mer_platform.experiments.models.Experiment.State",
        "SweepPresetEnum": "mer_platform.experiments.sweeps.api.preset_choices",
    },
}

# The threads of each web process. Requests that wait (?wait= of the API) occupy theirs; the others are left to pages.
WEB_THREADS = environment.whole("MER_WEB_THREADS", 12, 1, 1000)
MOST_WAITING = max(1, WEB_THREADS - 4)

# Jobs. The database is the truth; the broker only announces that a job is due.
REDIS_URL = environment.redis_address("REDIS_URL")
# Several installations can share a Redis: each with a prefix of its own for all of its keys.
REDIS_PREFIX = os.environ.get("MER_REDIS_PREFIX", "")
# Finished runs are also logged to this MLflow server or folder ("file:/…"). Install requirements-mlflow.txt to use it.
MLFLOW_TRACKING_URI = os.environ.get("MLFLOW_TRACKING_URI", "")

JOB_LEASE_SECONDS = environment.seconds("MER_JOB_LEASE_SECONDS", 60)
JOB_REQUEUE_SECONDS = environment.seconds("MER_JOB_REQUEUE_SECONDS", 60)
UPKEEP_SECONDS = environment.seconds("MER_UPKEEP_SECONDS", 10)

LOG_LEVEL = environment.choice("MER_LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
LOG_FORMAT = environment.choice("MER_LOG_FORMAT", "PLAIN", ["PLAIN", "JSON"]).lower()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "mer_platform.rest.request_ids.RequestIdFilter"}},
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(request_id)s %(job_id)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request_id"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # Celery logs every message twice; the runner logs what matters about a job.
    "loggers": {
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "mer_platform.access": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
    },
}
