import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backingOff, refused, settled, waiting } from '../../../scheduler/run/progress.ts';

describe('the message of a node', () => {
  it.each([
    ['settled', (message: string) => settled(waiting, 'Failed', { reason: 'Error', message })],
    ['refused', (message: string) => refused(waiting, { reason: 'NotCreated', message }, 0)],
    ['in a pause', (message: string) => backingOff(waiting, { reason: 'Error', message }, 0)],
  ])('has at most 300 characters, and no half of one, if the node is %s', (_, progressOf) => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(text, (message) => {
        const { message: kept = '' } = progressOf(message);
        expect(kept.length).toBeLessThanOrEqual(300);
        expect(kept.isWellFormed()).toBe(true);
      }),
    );
    expect(progressOf(`${'a'.repeat(298)}🧹 is left`).message).toBe(`${'a'.repeat(298)}…`);
  });
});
