import { expect, it } from 'vitest';
import { currentFlow, inFlow } from '../../../../scheduler/flow.ts';
import { SharedRead } from '../../../../scheduler/kubernetes/api/shared-read.ts';

/** A read whose answers are given by hand; each is the number of the read. */
function readByHand() {
  const reads: { readonly resolve: () => void; readonly reject: (error: Error) => void; readonly flow: string }[] = [];
  const shared = new SharedRead(() => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const number = reads.length + 1;
    reads.push({ resolve: () => resolve(number), reject, flow: currentFlow() });
    return promise;
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { reads, shared, turn };
}

it('there is one read at a time, and callers that come meanwhile share the next one (H31)', async () => {
  const { reads, shared, turn } = readByHand();
  const first = shared.read();
  const others = [shared.read(), shared.read(), shared.read()];
  await turn();
  expect(reads).toHaveLength(1);
  reads[0]?.resolve();
  expect(await first).toBe(1);
  await turn();
  const late = shared.read();
  expect(reads).toHaveLength(2);
  reads[1]?.resolve();
  expect(await Promise.all(others)).toEqual([2, 2, 2]);
  await turn();
  reads[2]?.resolve();
  expect(await late).toBe(3);
});

it('a read that fails is an error only for the callers that wait for it', async () => {
  const { reads, shared, turn } = readByHand();
  const first = shared.read();
  const second = shared.read();
  reads[0]?.reject(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await turn();
  reads[1]?.resolve();
  expect(await second).toBe(2);
  const third = shared.read();
  reads[2]?.resolve();
  expect(await third).toBe(3);
});

it('a read is for all callers, and belongs to no flow', async () => {
  const { reads, shared } = readByHand();
  const read = inFlow('a policy', () => shared.read());
  expect(reads[0]?.flow).toBe('');
  reads[0]?.resolve();
  await read;
});
