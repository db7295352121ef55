# The dashboard, the server and one trainer on WebAssembly, in one container.
#   docker build -t headroom . && docker run -p 3000:3000 -v headroom:/data headroom
FROM node:22-bookworm-slim AS build
WORKDIR /source
ENV NEXT_TELEMETRY_DISABLED=1
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=optional
COPY . .
# Below a path of a proxy: --build-arg HEADROOM_BASE_PATH=/headroom/
ARG HEADROOM_BASE_PATH=
RUN npm run pack

FROM node:22-bookworm-slim
ARG HEADROOM_BASE_PATH=
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 HEADROOM_BASE_PATH=$HEADROOM_BASE_PATH HOST=0.0.0.0 PORT=3000 HEADROOM_DATA=/data
COPY --from=build /source/.build/headroom-*.tgz /tmp/
# Its SQLite driver for Node 22 comes as a binary, so that nothing is compiled.
RUN npm install --global --ignore-scripts /tmp/headroom-*.tgz && rm /tmp/headroom-*.tgz \
  && mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No npm between: `docker stop` reaches the server, which saves the run and ends.
CMD ["headroom"]
