# Images are named by tag; who deploys adds the digest (python:...@sha256:...), which needs the registry to be asked.
FROM python:3.11.13-slim-bookworm AS build

ENV UV_PROJECT_ENVIRONMENT=/opt/vigil \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9

WORKDIR /src
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project --no-build
COPY README.md LICENSE ./
COPY features features
COPY models models
COPY streams streams
RUN uv sync --frozen --no-dev --no-editable


FROM python:3.11.13-slim-bookworm

LABEL org.opencontainers.image.title="Vigil" \
      org.opencontainers.image.description="Review priorities from tracked poses and purchases: explained, replayable, restrained." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.documentation="docs/deployment.md"

RUN groupadd --gid 10001 vigil \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vigil \
 && install --directory --owner=10001 --group=10001 /data /audit \
 && install --directory --owner=10001 --group=10001 --mode=0700 /keys \
 && pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip
COPY --from=build /opt/vigil /opt/vigil

ENV PATH=/opt/vigil/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /data
USER 10001:10001
EXPOSE 8070
# Of a worker; what serves no /healthz turns it off or brings its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8070/healthz', timeout=4)"]
ENTRYPOINT ["vigil"]
CMD ["--help"]
