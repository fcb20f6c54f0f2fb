import { describe, expect, it } from 'vitest';
import { judgeRemoval } from '../../../cleaner/removal/outcome.ts';
import type { RemovalAnswer } from '../../../cleaner/runtime/runtime.ts';

const id = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;

function judge(message: string, fields: Partial<RemovalAnswer> & { readonly imageId?: string } = {}) {
  const { imageId = id, timedOut = false } = fields;
  return judgeRemoval(id, { timedOut, complaints: [{ imageId, message }] }, true);
}

describe('a refusal is a skip, and asking again would change nothing (T16)', () => {
  it.each([
    ['InUse', 'image used by 5972cd01dbbd: image is in use by a container'],
    [
      'InUse',
      'conflict: unable to delete a (cannot be forced) - image is being used by running container 5972cd01dbbd',
    ],
    ['InUse', 'conflict: unable to delete a (must be forced) - image is being used by stopped container 5972cd01dbbd'],
    ['HasChildren', 'conflict: unable to delete a (cannot be forced) - image has dependent child images'],
    ['HasSeveralNames', 'conflict: unable to delete a (must be forced) - image is referenced in multiple repositories'],
  ])('%s: %s', (reason, message) => {
    expect(judge(message)).toMatchObject({ kind: 'skipped', reason, message: expect.stringContaining(message) });
    expect(judge(message, { timedOut: true })).toMatchObject({ kind: 'skipped', reason });
  });

  it('tells what to do about an image with several names (T10)', () => {
    const outcome = judge(
      'conflict: unable to delete a (must be forced) - image is referenced in multiple repositories',
    );
    expect(outcome).toHaveProperty('message', expect.stringContaining('untag the others ("docker rmi NAME")'));
  });
});

describe('of an image that is still there', () => {
  it.each([
    ['RemovalFailed', false],
    ['RemovalTimedOut', true],
  ])('any other complaint is a failure (%s)', (reason, timedOut) => {
    expect(judge('read-only file system', { timedOut })).toEqual({
      kind: 'failed',
      reason,
      message: 'read-only file system',
    });
  });

  it('a complaint about another image says nothing', () => {
    expect(judge('image is in use', { imageId: other })).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('still lists'),
    });
  });

  it('its own complaint counts more than one about all', () => {
    const complaints = [{ message: 'some failed' }, { imageId: id, message: 'read-only file system' }];
    expect(judgeRemoval(id, { timedOut: false, complaints }, true)).toHaveProperty('message', 'read-only file system');
    expect(judgeRemoval(other, { timedOut: false, complaints }, true)).toHaveProperty('message', 'some failed');
  });
});

it('an image that is gone was removed, whatever the runtime said of it (T13, T15)', () => {
  const complaints = [{ imageId: id, message: 'image is in use' }];
  expect(judgeRemoval(id, { timedOut: true, complaints }, false)).toEqual({ kind: 'removed' });
});
