import { WebSocket, type MessageEvent } from 'undici';

/** The heap of another program, as its inspector shows it. */
export type Heap = {
  /**
   * Collects the main thread's garbage, and has every worker thread begin with its own; gives the bytes that the main
   * thread has in use then. Rejects when the program ends or refuses.
   */
  usedBytes(): Promise<number>;
  close(): void;
};

type Message = {
  id?: number;
  result?: { usedSize?: number };
  error?: { message: string };
  method?: string;
  params?: { sessionId?: string };
};
type Call = { resolve: (result: Message['result']) => void; reject: (error: Error) => void };

/** Connects to the inspector of a Worker with its objects, or of a Node process with its worker threads. */
export async function openHeap(inspectorUrl: URL): Promise<Heap> {
  const socket = new WebSocket(inspectorUrl.href, { headers: { origin: 'http://localhost' } });
  const calls = new Map<number, Call>();
  const threads = new Set<string>();
  let last = 0;
  socket.addEventListener('message', ({ data }: MessageEvent) => {
    const { id = 0, result, error, method, params: { sessionId = '' } = {} } = JSON.parse(String(data)) as Message;
    if (method === 'NodeWorker.attachedToWorker') threads.add(sessionId);
    if (method === 'NodeWorker.detachedFromWorker') threads.delete(sessionId);
    if (error === undefined) calls.get(id)?.resolve(result);
    else calls.get(id)?.reject(new Error(error.message));
    calls.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`there is no inspector at ${inspectorUrl.href}`)));
  });
  socket.addEventListener('close', () => {
    for (const { reject } of calls.values()) reject(new Error('the program has ended'));
  });
  const call = (method: string, params = {}) =>
    new Promise<Message['result']>((resolve, reject) => {
      calls.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  // Only Node knows it: workerd has one thread.
  await call('NodeWorker.enable', { waitForDebuggerOnStart: false }).catch(() => undefined);
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
