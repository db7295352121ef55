# The dashboard, the server and one trainer on WebAssembly, in one container.
#   docker build -t headroom . && docker run -p 3000:3000 -v headroom:/data headroom
FROM node:22-bookworm-slim AS build
WORKDIR /app
ENV NEXT_TELEMETRY_DISABLED=1
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 make g++ \
  && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json ./
RUN npm ci --omit=optional && npm install --no-save --ignore-scripts better-sqlite3-13@npm:better-sqlite3@13.2.0
COPY . .
RUN npm run build && npm prune --omit=dev --omit=optional --ignore-scripts \
  && rm -rf .next/cache

FROM node:22-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 HOST=0.0.0.0 PORT=3000 HEADROOM_DATA=/data
COPY --from=build --chown=node:node /app /app
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm: `docker stop` reaches the server, which saves the run and ends.
CMD ["node", "--enable-source-maps", ".build/server/main.js"]
