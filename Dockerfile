# syntax=docker/dockerfile:1

# Deskhand as an image: the wheel is built in it, its dependencies are installed by hash, and it runs as nobody in particular on a root
# file system that may be read-only. Only /data is written to, and /tmp.
#
#   docker build -t deskhand .
#   docker run --rm -p 8080:8080 --read-only --tmpfs /tmp -v deskhand:/data deskhand

ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_LINK_MODE=copy
# The version of make is the distribution's: it decides nothing about what is built.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# What is locked changes seldom: installing it is a layer of its own.
COPY Makefile pyproject.toml README.md LICENSE ./
COPY requirements requirements
COPY tools tools
RUN make venv \
    && python -m venv --without-pip /opt/deskhand \
    && .venv/bin/uv pip install --python /opt/deskhand/bin/python --require-hashes --compile-bytecode --requirement requirements/run.txt
COPY src src
COPY web web
RUN make wheel \
    && .venv/bin/uv pip install --python /opt/deskhand/bin/python --offline --no-deps --compile-bytecode dist/deskhand-*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Deskhand" \
      org.opencontainers.image.description="An AI customer-support agent that a company runs itself" \
      org.opencontainers.image.licenses="Apache-2.0"
# git reads repositories of documents; what the distribution has is what it keeps safe.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes git \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 deskhand \
    && useradd --uid 10001 --gid deskhand --no-create-home --home-dir /data --shell /usr/sbin/nologin deskhand \
    && install --directory --owner=deskhand --group=deskhand --mode=0750 /data
COPY --from=build /opt/deskhand /opt/deskhand
ENV PATH=/opt/deskhand/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    DESKHAND_API_HOST=0.0.0.0 \
    DESKHAND_API_PORT=8080 \
    DESKHAND_DATA_DIR=/data
WORKDIR /data
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8080
# Alive, not ready: who is not ready is taken out by the proxy and must not be killed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"DESKHAND_API_PORT\"]}/health/live', timeout=2)"]
# Answers that run get 10 s after SIGTERM, and all is over in 15.
STOPSIGNAL SIGTERM
ENTRYPOINT ["deskhand"]
CMD ["serve"]
