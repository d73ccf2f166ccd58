import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { kernels } from '../../../gpu-origin/pipeline/kernels.ts';
import { sampled, solids } from '../mesh/solids.ts';

/** One question that a mesh server got. */
export type Question = { mediaType: string; bytes: Buffer };

type Answer = { status: number; headers?: Record<string, string>; body: string | Uint8Array };

/** A red torus of some 2,000 triangles, as a GLB of our own making. */
async function torusGlb(): Promise<Uint8Array> {
  const plan = { threshold: 0, radius: 0.87, pointsPerRun: 32 ** 3, resolution: 32 };
  const values = sampled(solids.torus, 32, 0.87);
  const { positions, indices, normals } = await kernels.surfaceFromField({ values, plan });
  const colors = new Uint8Array(positions.length).map((_, i) => (i % 3 === 0 ? 200 : 30));
  const painted = { mesh: { positions, indices, normals, uvs: null, colors }, texture: null };
  return (await kernels.encode({ painted, params: { output_format: 'glb', compression: 'none' } })).bytes;
}

/** An image-to-mesh server on loopback, which answers every picture with a torus unless told otherwise. */
export async function startMeshServer() {
  const glb = await torusGlb();
  const server = {
    url: '',
    glb,
    questions: [] as Question[],
    /** Most questions that were open at once. */
    openMost: 0,
    healthy: true,
    answer: (_question: Question): Answer | Promise<Answer> => ({ status: 200, body: glb }),
    close: () => {
      http.closeAllConnections();
      return new Promise((resolve) => void http.close(resolve));
    },
  };
  let open = 0;
  const http = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(server.healthy ? 200 : 503).end();
      return;
    }
    server.openMost = Math.max(server.openMost, ++open);
    void reply(request, response);
  });
  const reply = async (request: IncomingMessage, response: ServerResponse) => {
    const question = await read(request);
    server.questions.push(question);
    const { status, headers, body } = await server.answer(question);
    open -= 1;
    response.writeHead(status, headers).end(body);
  };
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  server.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return server;
}

export type MeshServerPeer = Awaited<ReturnType<typeof startMeshServer>>;

async function read(request: IncomingMessage): Promise<Question> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return { mediaType: request.headers['content-type'] ?? '', bytes: Buffer.concat(chunks) };
}
