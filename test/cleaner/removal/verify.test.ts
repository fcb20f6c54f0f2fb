import { describe, expect, it } from 'vitest';
import { judgeRemoval } from '../../../cleaner/removal/verify.ts';
import type { RemovalAnswer } from '../../../cleaner/runtime/runtime.ts';

const id = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;

function judge(message: string, fields: Partial<RemovalAnswer> & { readonly imageId?: string } = {}) {
  const { imageId = id, timedOut = false } = fields;
  return judgeRemoval(id, { timedOut, complaints: [{ imageId, message }] }, true);
}

describe('a refusal is a skip, and another attempt would change nothing (T16)', () => {
  it.each([
    ['InUse', 'image used by 5972cd01dbbd: image is in use by a container'],
    [
      'InUse',
      'conflict: unable to delete a (cannot be forced) - image is being used by running container 5972cd01dbbd',
    ],
    ['InUse', 'conflict: unable to delete a (must be forced) - image is being used by stopped container 5972cd01dbbd'],
    [
      'InUse',
      'error of removing image "a": rpc error: code = Unknown desc = delete image: image used by c071cf: image is in use by a container',
    ],
    ['InUse', 'error of removing image "a": rpc error: code = Unknown desc = the image is in use by c071cf5f5ed6'],
    ['InUse', 'rpc error: code = Unknown desc = image "quay.io/a/b:1" is mounted as volume to container with ID: c071'],
    ['InUse', '"RemoveImage failed" err="rpc error: code = Unknown desc = image is in use by a container" image="a"'],
    [
      'InUse',
      'conflict: unable to remove repository reference "a/b:1" (must force) - container 5972cd01 is using its referenced image 65e59060a431',
    ],
    ['HasChildren', 'conflict: unable to delete a (cannot be forced) - image has dependent child images'],
    ['HasSeveralNames', 'conflict: unable to delete a (must be forced) - image is referenced in multiple repositories'],
  ])('%s: %s', (reason, message) => {
    expect(judge(message)).toMatchObject({ kind: 'skipped', reason, message: expect.stringContaining(message) });
    expect(judge(message, { timedOut: true })).toMatchObject({ kind: 'skipped', reason });
  });

  it('a message says what to do about an image with several names (T10)', () => {
    const outcome = judge(
      'conflict: unable to delete a (must be forced) - image is referenced in multiple repositories',
    );
    expect(outcome).toHaveProperty('message', expect.stringContaining('remove the others ("docker rmi NAME")'));
  });
});

describe('for an image that still exists', () => {
  it.each([
    ['RemovalFailed', 'read-only file system', false],
    ['RemovalFailed', 'read-only file system', true],
    ['RemovalTimedOut', 'rpc error: code = DeadlineExceeded desc = context deadline exceeded', true],
    ['RemovalTimedOut', '"DELETE /images/a" of Docker Engine gave no whole answer within 600 s: check', true],
  ])('any other message is a failure (%s: %s), even if others timed out', (reason, message, timedOut) => {
    expect(judge(message, { timedOut })).toEqual({ kind: 'failed', reason, message });
  });

  it('an image without a message of its own timed out if the batch did', () => {
    const complaints = [
      { message: 'gave no answer within 605 s' },
      { imageId: other, message: 'read-only file system' },
    ];
    expect(judgeRemoval(id, { timedOut: true, complaints }, true)).toMatchObject({ reason: 'RemovalTimedOut' });
  });

  it('an image without a message of its own did not time out if only another one did (T13)', () => {
    const complaints = [{ imageId: other, message: 'rpc error: code = DeadlineExceeded' }];
    expect(judgeRemoval(id, { timedOut: true, complaints }, true)).toMatchObject({ reason: 'RemovalFailed' });
    expect(judgeRemoval(other, { timedOut: true, complaints }, true)).toMatchObject({ reason: 'RemovalTimedOut' });
  });

  it.each([
    'failed to delete snapshot: device or resource is in use',
    'rpc error: code = Unknown desc = lease "in use by a container runtime" is held',
    'open /var/lib/images being used by others/lock: permission denied',
    'the image used by a mirror is in use: try again',
    'the option must be forced on in the configuration of the daemon',
    'image is in use by a container file that cannot be read',
  ])('a message that only mentions use is a failure: %s', (message) => {
    expect(judge(message)).toMatchObject({ kind: 'failed', reason: 'RemovalFailed' });
  });

  it('a message about another image has no effect', () => {
    expect(judge('image is in use', { imageId: other })).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('still lists'),
    });
  });

  it('a message about the image has precedence over one about all', () => {
    const complaints = [{ message: 'some failed' }, { imageId: id, message: 'read-only file system' }];
    expect(judgeRemoval(id, { timedOut: false, complaints }, true)).toHaveProperty('message', 'read-only file system');
    expect(judgeRemoval(other, { timedOut: false, complaints }, true)).toHaveProperty('message', 'some failed');
  });
});

it('an image that no longer exists was removed, whatever the runtime reported (T13, T15)', () => {
  const complaints = [{ imageId: id, message: 'image is in use' }];
  expect(judgeRemoval(id, { timedOut: true, complaints }, false)).toEqual({ kind: 'removed' });
});
