# The origin for a machine with NVIDIA GPUs. From the repository's root:
#   docker build -f deploy/origin.Dockerfile -t meshkiln-origin .
# The digests keep a build from being another one tomorrow; `docker buildx imagetools inspect IMAGE` tells that of a newer one.
# Other bases do: one with Node 24 and npm, and any glibc of Debian 12 or newer; without CUDA 13 there the origin runs on the CPU.
ARG BUILD_BASE=node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d
# CUDA 13 and cuDNN 9, which the CUDA provider of ONNX Runtime needs.
ARG RUN_BASE=nvidia/cuda:13.0.3-cudnn-runtime-ubuntu24.04@sha256:14f6d08d1cd4a96effbfe3101d0b56326f552c199d05e4979ee0bd616df5811b

FROM ${BUILD_BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY contract contract
COPY gpu-origin gpu-origin
COPY models models
# No GPU is at hand while an image is built; what a machine can run is tried there:
#   docker run --rm --gpus all meshkiln-origin node gpu-origin/setup/doctor.ts
RUN node gpu-origin/setup/setup-cuda.ts --place-only

FROM ${RUN_BASE}
RUN useradd --no-create-home --uid 10001 meshkiln && install -d -o meshkiln -m 700 /state
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app /app
WORKDIR /app
USER meshkiln
# As `npm run origin` has it: without, memory that is freed stays with the process.
ENV MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=16384
ENV NODE_ENV=production ORIGIN_HOST=0.0.0.0 ORIGIN_PORT=8788 ORIGIN_STATE=/state
VOLUME /state
EXPOSE 8788
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8788/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=4", "--initial-heap-size=64", "gpu-origin/main.ts"]
