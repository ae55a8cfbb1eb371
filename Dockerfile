# syntax=docker/dockerfile:1
ARG PYTHON=docker.io/library/python:3.13.14-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8

# hadolint ignore=DL3006
FROM ${PYTHON} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python3 -m venv /builder && python3 -m venv --without-pip /venv
COPY requirements.lock /src/
RUN /builder/bin/pip install --require-hashes --no-deps -r /src/requirements.lock
COPY setup.cfg pyproject.toml README.md LICENSE /src/
COPY service /src/service
WORKDIR /src
# What builds the wheel is in the lock as well, and is not wanted where it runs. What pip compiles stays: nobody may
# write it later, and each start would take as long as the first.
RUN /builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && sed '/^setuptools==/,/[^\\]$/d' requirements.lock > /wheel/requirements.lock \
    && /builder/bin/pip --python /venv/bin/python install --require-hashes --no-deps -r /wheel/requirements.lock \
    && /builder/bin/pip --python /venv/bin/python install --no-deps --no-index /wheel/*.whl

# hadolint ignore=DL3006
FROM ${PYTHON}
LABEL org.opencontainers.image.title="Orchard" \
      org.opencontainers.image.description="Signed referral links, conversions between friends, rewards in double-entry books" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.documentation="/docs"
RUN rm -rf /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/lib/python3*/ensurepip \
        /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools* /root/.cache \
    && useradd --uid 10001 --no-log-init --no-create-home --home-dir /data --shell /usr/sbin/nologin orchard \
    && install -d -o orchard -m 700 /data
COPY --from=builder /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORCHARD_ENV=production
WORKDIR /data
USER 10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["orchard", "health"]
CMD ["orchard", "serve", "--bind", "0.0.0.0:8000"]
