import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMemory, encodeMemory, type NodeMemory } from '../../../scheduler/prepull/puller/memory.ts';
import type { ImageState, ImageStates } from '../../../scheduler/prepull/states/image-state.ts';
import { addTallies, decodeTally, describeTotals, encodeTally, tallyOf } from '../../../scheduler/prepull/tally.ts';
import { imageStates } from '../../helpers/arbitrary-pullers.ts';
import { digestOf } from '../../helpers/pullers.ts';

const present: ImageState = { state: 'Present', digest: digestOf(1) };
const denied: ImageState = { state: 'Failed', cause: { reason: 'Unauthorized', message: 'pull access denied' } };
/** The states of images from index 0 on. */
const statesOf = (...states: readonly ImageState[]): ImageStates => new Map(states.entries());
const stored = (value: unknown) => JSON.parse(JSON.stringify(value));

describe('the figures of a node', () => {
  it('have each wanted image, also an image with an unknown state', () => {
    const tally = tallyOf([2, 0, 1, 1], statesOf(present, denied));
    expect([...tally.images]).toEqual([
      [0, present],
      [1, denied],
      [2, { state: 'Unknown' }],
    ]);
  });

  it('add up over nodes, an image on a node counting as one (P7)', () => {
    const totals = addTallies([tallyOf([0, 1], statesOf(present, denied)), tallyOf([0, 1], statesOf(present))]);
    expect(totals).toEqual({ images: { wanted: 4, present: 2, failed: 1, unknown: 1 } });
    expect(describeTotals(totals)).toBe('2 of 4 images present');
  });

  it('are read back from a record as they were written, for any states', () => {
    fc.assert(
      fc.property(imageStates(20, 5), (images) => {
        expect(decodeTally(stored(encodeTally({ images })))).toEqual({
          images: new Map([...images].sort(([a], [b]) => a - b)),
        });
      }),
    );
  });

  it('keep the reason of every failure in a record, but only five different words (P5)', () => {
    const failures = Array.from({ length: 20 }, (_, index): [number, ImageState] => [
      index,
      { state: 'Failed', cause: { reason: 'NotFound', message: `words ${index % 7}` } },
    ]);
    const { images } = decodeTally(stored(encodeTally({ images: new Map(failures) })));
    const causes = [...images.values()].map((state) => (state.state === 'Failed' ? state.cause : undefined));
    expect(causes.every((cause) => cause?.reason === 'NotFound')).toBe(true);
    expect(new Set(causes.map((cause) => cause?.message)).size).toBe(6);
    expect(causes[7]).toEqual(causes[0]);
  });

  it.each([[{ present: [['a']] }], [{ failed: [[1, 'Other']] }], [{ other: [] }], [[]], [null], ['text']])(
    'that are damaged are refused: %j',
    (damaged) => expect(() => decodeTally(damaged)).toThrow(),
  );
});

describe('a record of 1,000 nodes with 20 images each (P21)', () => {
  /** The words of each node differ, as they do with the addresses of nodes or the IDs of requests. */
  const stateOn = (node: number, index: number): ImageState => {
    if ((node + index) % 4 > 0) return { state: 'Present', digest: digestOf(index) };
    const message = `failed to do request: Head "https://registry.example/v2/acme/image-${index}/manifests/1": request ${node}-${index}`;
    return { state: 'Failed', cause: { reason: 'RegistryUnavailable', message: message.padEnd(200, '.') } };
  };
  const nodes = Array.from({ length: 1_000 }, (_, node) =>
    tallyOf(
      Array.from({ length: 20 }).keys(),
      new Map(Array.from({ length: 20 }, (_, index) => [index, stateOn(node, index)])),
    ),
  );

  it('takes well below 1 MiB, also if a quarter of the images failed with different words', () => {
    const packed = gzipSync(JSON.stringify(nodes.map(encodeTally))).toString('base64');
    expect(packed.length).toBeLessThan(300_000);
  });

  it('is one object in memory for all nodes with equal states, and their texts are the same', () => {
    const all = tallyOf(
      [0, 1],
      new Map([
        [0, present],
        [1, present],
      ]),
    );
    const text = JSON.stringify(encodeTally(all));
    const [one, other] = [decodeTally(JSON.parse(text)), decodeTally(JSON.parse(text))];
    expect(one.images).toBe(other.images);
  });
});

it('the memory about a node is read back from a record as it was written', () => {
  const indexes = fc.uniqueArray(fc.nat(255));
  const memories = fc.record<NodeMemory>(
    { states: imageStates(20, 5), over: indexes, holding: indexes },
    { requiredKeys: ['states', 'over'] },
  );
  fc.assert(
    fc.property(memories, (memory) => {
      expect(decodeMemory(stored(encodeMemory(memory)))).toEqual(memory);
    }),
  );
});
