import { describe, expect, it } from 'vitest';
import { type Lease, leaseToWrite, releasedLease, type SeenLease } from '../../scheduler/lease.ts';
import { secondsLater, start } from '../helpers/builders.ts';

const me = { identity: 'me', durationSeconds: 15 };
const now = secondsLater(100);

function seen(lease: Partial<Lease>, seenAt = 0): SeenLease {
  const held = { holder: 'other', durationSeconds: 15, acquiredAt: start, renewedAt: start, transitions: 3 };
  return { lease: { ...held, ...lease }, resourceVersion: '7', seenAt };
}

describe('the lease', () => {
  it('is taken if there is none', () => {
    expect(leaseToWrite(undefined, me, 0, now)).toEqual({
      holder: 'me',
      durationSeconds: 15,
      acquiredAt: now,
      renewedAt: now,
      transitions: 0,
    });
  });

  it('is renewed by its holder, which has had it since it took it', () => {
    expect(leaseToWrite(seen({ holder: 'me' }), me, 99_000, now)).toMatchObject({
      holder: 'me',
      acquiredAt: start,
      renewedAt: now,
      transitions: 3,
    });
  });

  it.each([
    ['is left to its holder for its duration, however old it says it is', {}, 14_999, undefined],
    [
      'is taken when it has not changed for its duration, whatever time it contains',
      { renewedAt: secondsLater(9e6) },
      15_000,
      'me',
    ],
    ['is taken immediately when it was released', { holder: undefined }, 0, 'me'],
    ['runs out after the duration that its holder has set', { durationSeconds: 60 }, 59_999, undefined],
  ])('%s', (_title, lease, clockMs, holder) => {
    expect(leaseToWrite(seen(lease), me, clockMs, now)?.holder).toBe(holder);
  });

  it('counts how often it went to another holder', () => {
    expect(leaseToWrite(seen({}), me, 20_000, now)).toMatchObject({ acquiredAt: now, transitions: 4 });
  });

  it('that is released has no holder', () => {
    const { lease } = seen({ holder: 'me' });
    expect(releasedLease(lease, now)).toMatchObject({ holder: undefined, durationSeconds: 1, transitions: 3 });
  });
});
