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
      return Response.json({ sha256: digest.toHex() });
    }
    const body = held.get(request.url) ?? hold(request.url);
    if (alike) return new Response(body, { headers: answer.headers });
    return new Response(body, { headers: { 'content-type': 'model/gltf-binary' } });
  },
};

function hold(url) {
  const bytes = Number(new URL(url).searchParams.get('bytes'));
  const body = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(body.subarray(at, at + 65_536));
  held.set(url, body);
  return body;
}
`;
