/**
 * The source of the Worker that the hits are measured against: it does the least that their answers need. `GET
 * /?bytes=N` gives N bytes from memory, `POST` the SHA-256 of its body.
 */
export const bareWorker = `
const held = new Map();

export default {
  async fetch(request) {
    if (request.method === 'POST') {
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await request.arrayBuffer()));
      return Response.json({ sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') });
    }
    const bytes = Number(new URL(request.url).searchParams.get('bytes'));
    if (!held.has(bytes)) held.set(bytes, random(bytes));
    return new Response(held.get(bytes), { headers: { 'content-type': 'model/gltf-binary' } });
  },
};

function random(bytes) {
  const body = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(body.subarray(at, at + 65_536));
  return body;
}
`;
