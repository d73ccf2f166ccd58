import { expect, test } from 'vitest';
import { picture, post } from './client.ts';
import { networkOfEachTest } from './fake-origin.ts';
import { theJob } from './making.ts';

const network = networkOfEachTest();

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a job carries the id of its request, and its trace where the client named one', async () => {
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const answer = await post(picture(), { headers: { 'x-request-id': 'my-request', traceparent } });
  expect(answer.headers.get('x-request-id')).toBe('my-request');
  expect((await theJob(network)).job.trace).toEqual({ requestId: 'my-request', traceparent });
});

test.each([
  ['no ids', '00-xyz-00f067aa0ba902b7-01'],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ['a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['the version that is forbidden', `ff-${traceId}-00f067aa0ba902b7-01`],
  ['capitals', `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`],
])('a traceparent with %s is passed over', async (_, traceparent) => {
  const answer = await post(picture(), { headers: { traceparent } });
  const id = answer.headers.get('x-request-id');
  expect((await theJob(network)).job.trace).toEqual({ requestId: id });
});
