# One image for every service in docker-compose.yml. PyTorch's wheel contains the libraries for NVIDIA GPUs.
FROM python:3.11-slim-trixie

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MER_DATA_DIR=/data NUMBA_CACHE_DIR=/data/compiled PORT=8000

WORKDIR /app
COPY requirements.txt .
COPY requirements-mlflow.txt .
# Every wheel contains its own libraries (checked in tests/unit/test_deployment.py); from apt come only pg_dump and pg_restore,
# for backups. They must not be older than the server in docker-compose.yml.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
RUN pip install -r requirements.txt -r requirements-mlflow.txt

COPY manage.py ./
COPY pyproject.toml ./
COPY mer_platform mer_platform
COPY models_ml models_ml
COPY workers workers
COPY frontend frontend

# Static files are part of the image, in /data/static. Only /data/media is a volume (docker-compose.yml).
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin mer \
    && mkdir -p /data/media \
    && MER_SECRET_KEY=only-for-this-step python manage.py collectstatic --noinput --verbosity 0 \
    && rm -f /data/secret_key \
    && chown -R mer /data \
    && chmod 700 /data /data/media
# docker build --build-arg MER_COMMIT=$(git rev-parse HEAD): results state the code that computed them.
ARG MER_COMMIT=
ENV MER_COMMIT=$MER_COMMIT
USER mer
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://localhost:{os.environ[\"PORT\"]}/health/', timeout=4)"]
# What a service writes, only its user can read.
ENTRYPOINT ["sh", "-c", "umask 077 && exec \"$@\"", "sh"]
CMD ["gunicorn", "mer_platform.wsgi", "--config", "python:mer_platform.serving.web_hooks", "--worker-class", "gthread", "--workers", "2", "--threads", "12"]
