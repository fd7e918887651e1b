# One image for all services and the commands of operators: `docker build --tag penchant .`
# The first stage has what building needs; the second one only what running needs.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /build
RUN python -m venv /opt/penchant
COPY requirements-run.lock pyproject.toml README.md ./
RUN /opt/penchant/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements-run.lock
COPY shared shared
COPY services services
COPY deploy deploy
RUN /opt/penchant/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM ${PYTHON}
RUN groupadd --gid 10001 penchant && useradd --uid 10001 --gid penchant --no-create-home --shell /usr/sbin/nologin penchant \
    && mkdir --parents /var/lib/penchant /secrets && chown penchant:penchant /var/lib/penchant /secrets
COPY --from=build /opt/penchant /opt/penchant
ENV PATH=/opt/penchant/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PENCHANT_HOME=/var/lib/penchant PENCHANT_HOST=0.0.0.0
USER penchant
WORKDIR /var/lib/penchant
VOLUME /var/lib/penchant
STOPSIGNAL SIGTERM
# Compose and Kubernetes ask /health/ready of each service; this is for whoever runs the image by hand.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-m", "deploy.images.healthy"]
ENTRYPOINT ["python", "-m"]
CMD ["deploy.command_line", "--help"]
