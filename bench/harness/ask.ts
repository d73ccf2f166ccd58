import { MeshObject } from '../../contract/mesh.ts';
import { originCounter, post, type Running } from '../../test/end-to-end/meshkiln.ts';

/** Posts a picture and waits for its mesh; throws when it is not done within the wait. */
export async function askForMesh(running: Running, picture: Uint8Array<ArrayBuffer>): Promise<MeshObject> {
  const answer = await post(running, picture, { headers: { prefer: 'wait=60' } });
  if (answer.status !== 200) throw new Error(`a request was answered ${answer.status}: ${await answer.text()}`);
  return MeshObject.parse(await answer.json());
}

/** What became of identical requests at once: jobs that the origin took, and requests that began a flight. */
export type Crowd = { requests: number; jobs: number; misses: number };

/**
 * Asks for one mesh many times at once; gives each answer's time too. The origin counts a job once however often it is
 * sent: that it was sent once shows in how many are told of a miss.
 */
export async function askAtOnce(
  running: Running,
  picture: Uint8Array<ArrayBuffer>,
  requests: number,
): Promise<{ crowd: Crowd; ms: number[] }> {
  const accepted = () => originCounter(running, 'meshkiln_origin_jobs_total', 'outcome="accepted"');
  const before = await accepted();
  const answers = await Promise.all(
    Array.from({ length: requests }, async () => {
      const startMs = performance.now();
      const { cache } = await askForMesh(running, picture);
      return { ms: performance.now() - startMs, status: cache.status };
    }),
  );
  const misses = answers.filter(({ status }) => status === 'miss').length;
  return { crowd: { requests, jobs: (await accepted()) - before, misses }, ms: answers.map(({ ms }) => ms) };
}
