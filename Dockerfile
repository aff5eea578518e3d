# The gateway without a database of its own: give it one with DEVMESH_DATABASE_URL (docker-compose.local.yml does).
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements-extras.lock requirements-build.lock ./
RUN python -m venv /opt/devmesh \
 && /opt/devmesh/bin/pip install --no-cache-dir --require-hashes -r requirements-extras.lock \
 && /opt/devmesh/bin/pip install --no-cache-dir --require-hashes --target /opt/build -r requirements-build.lock
COPY pyproject.toml README.md ./
COPY src ./src
RUN PYTHONPATH=/opt/build /opt/devmesh/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/devmesh --create-home devmesh
COPY --from=build /opt/devmesh /opt/devmesh
USER 10001
ENV PATH=/opt/devmesh/bin:$PATH DEVMESH_DATA_DIR=/var/lib/devmesh PYTHONUNBUFFERED=1
VOLUME /var/lib/devmesh
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8081/readyz', timeout=2)"]
ENTRYPOINT ["devmesh", "serve", "--host", "0.0.0.0"]
