/**
 * The source of the Worker that the hits are measured against: it does the least that their answers need. `GET
 * /?bytes=N` gives N bytes from memory, `POST` the SHA-256 of its body. With `&alike` it does the same work and answers
 * with the headers, and a POST the text, that the last `PUT` gave as JSON.
 */
export const bareWorker = `
const held = new Map();
let answer;

export default {
  async fetch(request) {
    if (request.method === 'PUT') {
      answer = await request.json();
      return new Response();
    }
    const alike = request.url.endsWith('alike');
    if (request.method === 'POST') {
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await request.arrayBuffer()));
      if (alike) return new Response(answer.text, { headers: answer.headers });
      return Response.json({ sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') });
    }
    const bytes = Number(new URL(request.url).searchParams.get('bytes'));
    if (!held.has(bytes)) held.set(bytes, random(bytes));
    if (alike) return new Response(held.get(bytes), { headers: answer.headers });
    return new Response(held.get(bytes), { headers: { 'content-type': 'model/gltf-binary' } });
  },
};

function random(bytes) {
  const body = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(body.subarray(at, at + 65_536));
  return body;
}
`;
