import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { disc } from './send-job.ts';

/** One call that an image API got. */
export type ImageCall = { path: string; body: unknown; authorization: string | undefined; atMs: number };

type Answer = { status: number; headers?: Record<string, string>; body: string | Uint8Array };

/** An OpenAI-compatible image API on loopback, which draws a disc unless `answer` says otherwise. */
export async function startImageApi() {
  const calls: ImageCall[] = [];
  const picture = await disc();
  const api = {
    url: '',
    calls,
    picture,
    answer: (_call: ImageCall): Answer | Promise<Answer> => answerOf({ b64_json: picture.toString('base64') }),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(resolve));
    },
  };
  const server = createServer((request, response) => {
    void read(request)
      .then((call) => {
        calls.push(call);
        return api.answer(call);
      })
      .then(({ status, headers, body }) => response.writeHead(status, headers).end(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return api;
}

export type ImageApi = Awaited<ReturnType<typeof startImageApi>>;

/** A good answer with this one picture. */
export function answerOf(picture: { b64_json: string } | { url: string }): Answer {
  return { status: 200, body: JSON.stringify({ created: 1, data: [picture] }) };
}

/** An error answer in OpenAI's shape. */
export function errorAnswer(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: JSON.stringify({ error: { message: 'No.', type: 'invalid_request_error', code } }) };
}

async function read(request: IncomingMessage): Promise<ImageCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    path: request.url ?? '',
    body: text === '' ? null : JSON.parse(text),
    authorization: request.headers.authorization,
    atMs: Date.now(),
  };
}
