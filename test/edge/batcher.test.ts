import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Batcher, type BatchId } from '../../edge/stats/batcher.ts';

type Sent = { words: string[]; id: BatchId };

const sent: Sent[] = [];
let receive: (sent: Sent) => void | Promise<void>;

const batcher = () =>
  new Batcher<string[]>({
    open: () => [],
    send: async (words, id) => {
      sent.push({ words: [...words], id });
      await receive({ words, id });
    },
    failureEvent: 'words_not_delivered',
  });
const deliveries = (count: number) => vi.waitFor(() => expect(sent).toHaveLength(count), { timeout: 8_000 });

beforeEach(() => {
  sent.length = 0;
  receive = () => undefined;
});
afterEach(() => void vi.restoreAllMocks());

test('what is recorded within a second is delivered once, and what follows is the next batch', async () => {
  const words = batcher();
  words.record().push('one');
  words.record().push('two');
  await deliveries(1);
  words.record().push('three');
  await deliveries(2);
  expect(sent.map((batch) => batch.words)).toEqual([['one', 'two'], ['three']]);
  expect(sent.map(({ id }) => id.sequence)).toEqual([1, 2]);
  expect(sent[0]?.id.recorder).toBe(sent[1]?.id.recorder);
});

test('a batch that is not taken is offered again under its own id, and no later one overtakes it', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const words = batcher();
  let refusals = 4;
  receive = () => {
    if (refusals-- > 0) throw new Error('the receiver is away');
  };
  words.record().push('one');
  await deliveries(3); // three times in a row
  await vi.waitFor(() => expect(log).toHaveBeenCalledOnce());
  words.record().push('two'); // brings a delivery with it
  await deliveries(6);
  expect(sent.map((batch) => `${batch.id.sequence} ${batch.words.join()}`)).toEqual([
    ...Array<string>(5).fill('1 one'),
    '2 two',
  ]);
});

test('a slow delivery holds the next one back, and what is recorded meanwhile is in neither twice', async () => {
  const words = batcher();
  let letGo = () => {};
  receive = ({ id }) => (id.sequence === 1 ? new Promise((resolve) => (letGo = resolve)) : undefined);
  words.record().push('one');
  await deliveries(1);
  words.record().push('two');
  await scheduler.wait(1500);
  words.record().push('three');
  expect(sent).toHaveLength(1);
  letGo();
  await deliveries(2);
  expect(sent[1]?.words).toEqual(['two', 'three']);
});
