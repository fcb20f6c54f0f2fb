import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanup } from '../../../scheduler/cleanup/kind.ts';
import {
  backingOff,
  continuing,
  type NodeProgress,
  refused,
  reserved,
  settled,
  started,
  waiting,
} from '../../../scheduler/run/progress.ts';
import { decodeProgress, encodeProgress } from '../../../scheduler/run/progress-codec.ts';
import { tried } from '../../helpers/builders.ts';

const stored = (progress: NodeProgress) => JSON.parse(JSON.stringify(encodeProgress(cleanup, progress)));
const cause = { reason: 'Evicted', message: 'low on memory' };
const tally = {
  planned: 1,
  removed: 2,
  failed: 3,
  skipped: 4,
  unknown: 5,
  freedBytes: 6,
  nominalBytes: 7,
};

describe('a node in a record', () => {
  it.each<[NodeProgress, object]>([
    [waiting, { attempts: 0 }],
    [reserved(waiting), { attempts: 0, starting: true }],
    [reserved(tried(2, 1)), { attempts: 2, rejections: 1, starting: true }],
    [refused(tried(0), cause, 5), { attempts: 0, starting: true, ...cause, retryAt: 5 }],
    [started(waiting, 0), { attempts: 1 }],
    [started({ ...tried(0), memory: ['a'] }, 0), { attempts: 1, memory: ['a'] }],
    [
      continuing({ ...tried(3, 1, 2), memory: 'b' }, 5),
      { attempts: 3, rejections: 1, parts: 2, continuing: true, retryAt: 5, memory: 'b' },
    ],
    [reserved(tried(3, 0, 2)), { attempts: 3, parts: 2, starting: true }],
    [backingOff(tried(2), cause, 5), { attempts: 2, ...cause, retryAt: 5 }],
    [settled(tried(1), 'Succeeded', { tally }), { attempts: 1, result: 'Succeeded', tally: [1, 2, 3, 4, 5, 6, 7] }],
    [settled(tried(0), 'Skipped', cause), { attempts: 0, result: 'Skipped', ...cause }],
  ])('%j is written as %j', (progress, expected) => {
    expect(stored(progress)).toEqual(expected);
    expect(decodeProgress(cleanup, expected)).toEqual(progress);
  });

  it.each<[string, object, NodeProgress]>([
    [
      'a result and a pause',
      { attempts: 2, result: 'Failed', retryAt: 5, starting: true },
      settled(tried(2), 'Failed'),
    ],
    ['a pause without a cause', { attempts: 2, retryAt: 5 }, backingOff(tried(2), { reason: 'Unknown' }, 5)],
    ['a pause before any pod', { attempts: 0, ...cause, retryAt: 5 }, refused(tried(0), cause, 5)],
    ['a cause without a pause', { attempts: 2, ...cause }, started(waiting, 1)],
    ['a cause before any pod', { attempts: 0, ...cause }, waiting],
  ])('that has %s is read as the state that it means', (_, record, expected) => {
    expect(decodeProgress(cleanup, record)).toEqual(expected);
  });

  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const anyRecord = fc.record({
    attempts: fc.nat(9),
    rejections: optional(fc.nat(9)),
    parts: optional(fc.nat(9)),
    memory: optional(fc.jsonValue().filter((value) => value !== null)),
    continuing: optional(fc.constant(true)),
    starting: optional(fc.constant(true)),
    result: optional(fc.constantFrom('Succeeded', 'Failed', 'Skipped')),
    reason: optional(fc.string()),
    message: optional(fc.string({ maxLength: 400 })),
    retryAt: optional(fc.nat()),
    tally: optional(fc.tuple(...Array.from({ length: 7 }, () => fc.nat()))),
  });

  it('with any fields has one state, which is read back as it was written', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const progress = decodeProgress(cleanup, record);
        expect(decodeProgress(cleanup, stored(progress))).toEqual(progress);
        expect(progress.attempts).toBe(record.attempts);
        expect(progress).toHaveProperty('state', expect.stringMatching(record.result ? /^Settled$/ : /^(?!Settled)/));
      }),
    );
  });
});
