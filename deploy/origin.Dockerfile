# The origin for a machine with NVIDIA GPUs. From the repository's root:
#   docker build -f deploy/origin.Dockerfile -t meshkiln-origin .
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY contract contract
COPY gpu-origin gpu-origin
COPY models models
# No GPU is at hand while an image is built: `docker run --gpus all … npm run doctor` tries them.
RUN node gpu-origin/setup/setup-cuda.ts --place-only

# CUDA 13 and cuDNN 9, which the CUDA provider of ONNX Runtime needs.
FROM nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04
RUN useradd --system --uid 10001 meshkiln && install -d -o meshkiln -m 700 /state
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
CMD ["node", "--max-semi-space-size=4", "gpu-origin/main.ts"]
