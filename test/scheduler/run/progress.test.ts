import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backingOff, refused, settled, troubleOf, waiting } from '../../../scheduler/run/progress.ts';

describe('the message of a node', () => {
  it.each([
    ['settled', (message: string) => settled(waiting, 'Failed', { reason: 'Error', message }).message],
    ['refused', (message: string) => troubleOf(refused(waiting, { reason: 'NotCreated', message }, 0))?.message],
    ['in a pause', (message: string) => troubleOf(backingOff(waiting, { reason: 'Error', message }, 0))?.message],
  ])('has at most 300 characters, and no half of one, if the node is %s', (_, messageIn) => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(text, (message) => {
        const kept = messageIn(message) ?? '';
        expect(kept.length).toBeLessThanOrEqual(300);
        expect(kept.isWellFormed()).toBe(true);
      }),
    );
    expect(messageIn(`${'a'.repeat(298)}🧹 is left`)).toBe(`${'a'.repeat(298)}…`);
  });
});
