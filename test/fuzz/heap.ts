import { WebSocket, type MessageEvent } from 'undici';

/** Measures the heap of the Worker and its objects, garbage left out, through workerd's inspector. */
export type Heap = { usedBytes(): Promise<number>; close(): void };

export async function openHeap(inspectorUrl: URL): Promise<Heap> {
  const socket = new WebSocket(inspectorUrl.href, { headers: { origin: 'http://localhost' } });
  const waiting = new Map<number, (result: { usedSize?: number }) => void>();
  let calls = 0;
  socket.addEventListener('message', ({ data }: MessageEvent) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result: { usedSize?: number } };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('workerd has no inspector')));
  });
  const call = (method: string) =>
    new Promise<{ usedSize?: number }>((resolve) => {
      waiting.set(++calls, resolve);
      socket.send(JSON.stringify({ id: calls, method }));
    });
  return {
    async usedBytes() {
      await call('HeapProfiler.collectGarbage');
      return (await call('Runtime.getHeapUsage')).usedSize ?? 0;
    },
    close: () => socket.close(),
  };
}
