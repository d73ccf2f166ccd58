import { WebSocket, type MessageEvent } from 'undici';

/** The heap of another program, as its inspector shows it. */
export type Heap = {
  /** Collects the garbage of every thread; gives the bytes that the main thread has in use then. */
  usedBytes(): Promise<number>;
  close(): void;
};

type Message = { id?: number; result?: { usedSize?: number }; method?: string; params?: { sessionId?: string } };

/** Connects to the inspector of a Worker with its objects, or of a Node process with its worker threads. */
export async function openHeap(inspectorUrl: URL): Promise<Heap> {
  const socket = new WebSocket(inspectorUrl.href, { headers: { origin: 'http://localhost' } });
  const waiting = new Map<number, (result: Message['result']) => void>();
  const threads: string[] = [];
  let calls = 0;
  socket.addEventListener('message', ({ data }: MessageEvent) => {
    const { id, result, method, params } = JSON.parse(String(data)) as Message;
    if (id !== undefined) waiting.get(id)?.(result);
    if (method === 'NodeWorker.attachedToWorker' && params?.sessionId !== undefined) threads.push(params.sessionId);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`there is no inspector at ${inspectorUrl.href}`)));
  });
  const call = (method: string, params = {}) =>
    new Promise<Message['result']>((resolve) => {
      waiting.set(++calls, resolve);
      socket.send(JSON.stringify({ id: calls, method, params }));
    });
  // Only Node knows it: workerd, which has one thread, answers with an error.
  await call('NodeWorker.enable', { waitForDebuggerOnStart: false });
  return {
    async usedBytes() {
      const collect = 'HeapProfiler.collectGarbage';
      const inThread = JSON.stringify({ id: 0, method: collect });
      for (const sessionId of threads) await call('NodeWorker.sendMessageToWorker', { sessionId, message: inThread });
      await call(collect);
      return (await call('Runtime.getHeapUsage'))?.usedSize ?? NaN;
    },
    close: () => socket.close(),
  };
}
