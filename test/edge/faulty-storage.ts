/** A bucket that is the real one but for what is given here. */
export function faultyR2(r2: R2Bucket, faults: Partial<R2Bucket>): R2Bucket {
  return withFaults(r2, faults);
}

/** A namespace that is the real one but for what is given here. */
export function faultyKv(kv: KVNamespace, faults: Partial<KVNamespace>): KVNamespace {
  return withFaults(kv, faults);
}

/** A namespace as one location sees it: for some time it repeats what it last heard of a key, absence too. */
export function staleKv(kv: KVNamespace, options: { staleSeconds: number; now: () => number }): KVNamespace {
  const heard = new Map<string, { text: string | null; atMs: number }>();
  const get = async (key: string) => {
    const known = heard.get(key);
    if (known && options.now() - known.atMs < options.staleSeconds * 1000) return known.text;
    const text = await kv.get(key);
    heard.set(key, { text, atMs: options.now() });
    return text;
  };
  return faultyKv(kv, { get: get as KVNamespace['get'] });
}

function withFaults<Binding extends object>(binding: Binding, faults: Partial<Binding>): Binding {
  return new Proxy(binding, {
    get(target, name) {
      const fault: unknown = Reflect.get(faults, name);
      if (fault !== undefined) return fault;
      const real: unknown = Reflect.get(target, name);
      return typeof real === 'function' ? real.bind(target) : real;
    },
  });
}

/** A call to storage that always fails. */
export function failing(message: string): () => Promise<never> {
  return () => Promise.reject(new Error(message));
}

/** An object of R2 whose bytes are these. */
export function r2Object(mediaType: string, size: number, body: ReadableStream<Uint8Array>): R2ObjectBody {
  const object = {
    size,
    etag: 'fault',
    httpMetadata: { contentType: mediaType },
    body,
    arrayBuffer: () => new Response(body).arrayBuffer(),
  };
  return object as R2ObjectBody;
}

/** A stream of bytes that are made as they are pulled; `pulled` counts them. */
export function pulledStream(size: number, piece: Uint8Array<ArrayBuffer>, onPull: (bytes: number) => void) {
  let made = 0;
  return new ReadableStream<Uint8Array>({
    type: 'bytes',
    pull(controller) {
      const bytes = Math.min(piece.byteLength, size - made);
      made += bytes;
      onPull(bytes);
      controller.enqueue(piece.slice(0, bytes));
      if (made === size) controller.close();
    },
  });
}
