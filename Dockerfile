# Two stages: the web pages are built with Node, the product runs on a slim Python as an ordinary user.
FROM node:22-slim AS pages
WORKDIR /app/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY frontend_schema /app/frontend_schema
COPY web ./
RUN npm run build

FROM python:3.11-slim
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock \
    && useradd --system --create-home --home-dir /var/lib/gridwarden gridwarden
COPY pyproject.toml ./
COPY geo geo
COPY domain domain
COPY runtime runtime
COPY demo demo
COPY api api
COPY migrations migrations
COPY frontend_schema frontend_schema
COPY --from=pages /app/web/dist web/dist
USER gridwarden
ENV GRIDWARDEN_HOME=/var/lib/gridwarden GRIDWARDEN_HOST=0.0.0.0 GRIDWARDEN_PORT=8700 PYTHONUNBUFFERED=1
VOLUME /var/lib/gridwarden
EXPOSE 8700
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8700/healthz', timeout=2)"]
CMD ["python", "-m", "api.serve"]
