# syntax=docker/dockerfile:1
FROM python:3.13-slim-bookworm AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.lock /src/
RUN /venv/bin/pip install --require-hashes --no-deps -r /src/requirements.lock
COPY setup.cfg pyproject.toml README.md LICENSE /src/
COPY service /src/service
WORKDIR /src
RUN /venv/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /venv/bin/pip install --no-deps --no-index /wheel/*.whl

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --create-home orchard
COPY --from=builder /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORCHARD_ENV=production
WORKDIR /data
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["orchard", "serve", "--bind", "0.0.0.0:8000"]
