# The worker, its queue and store on Redis and Postgres or, without them, embedded in /data (then one container only).
# A tag moves and a digest doesn't. Look for a new one with: docker buildx imagetools inspect node:24-alpine
ARG NODE_IMAGE=node:24.21.0-alpine3.24@sha256:ebfe2f90462722a7a4de65e91990e97fe0d401c70e0e762c5b53302f905ec1c1
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No script of a dependency is needed to run, nor the one that provides a Node: the image brings its own.
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production HOST=:: PORT=8088 DATA_DIR=/data
WORKDIR /app
RUN mkdir -m 700 /data && chown node:node /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY graphql ./graphql
COPY schema ./schema
COPY templates ./templates
COPY .env.example ./
COPY src ./src
USER node
VOLUME /data
EXPOSE 8088
# An agent of its own (`agent: false`) takes no proxy from the environment, which NODE_USE_ENV_PROXY would do.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "require('node:http').get({ host: '127.0.0.1', port: process.env.PORT || 8088, path: '/health/live', agent: false }, r => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# Node itself is process 1, not a shell or npm, so that SIGTERM reaches it. It starts no child processes that need reaping.
CMD ["node", "src/main.ts", "worker"]
