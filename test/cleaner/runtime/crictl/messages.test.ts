import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { judgeRemoval } from '../../../../cleaner/removal/verify.ts';
import { readComplaints } from '../../../../cleaner/runtime/crictl/messages.ts';

const gone = `sha256:${'9e'.repeat(32)}`;
const used = `sha256:${'a6'.repeat(32)}`;

describe('readComplaints', () => {
  it('separates the joined errors of crictl by image', () => {
    const stderr = `time="2026-11-21T08:53:47Z" level=error msg="no such image ${gone}\\nerror of removing image \\"${used}\\": rpc error: code = Unknown desc = image is in use by a container"\n`;
    expect(readComplaints(stderr, [gone, used])).toEqual([
      { imageId: gone, message: `no such image ${gone}` },
      {
        imageId: used,
        message: `error of removing image "${used}": rpc error: code = Unknown desc = image is in use by a container`,
      },
    ]);
  });

  it('reads an older crictl, which logs a line for each image', () => {
    const stderr = `E1121 remote_image.go:180] "RemoveImage failed" err="in use" image="${used}"\ntime="x" level=fatal\n`;
    expect(readComplaints(stderr, [gone, used])).toEqual([
      { imageId: used, message: expect.stringContaining('err="in use"') },
    ]);
  });

  it('applies a message that names no image to all images', () => {
    expect(readComplaints('time="x" level=fatal msg="connection refused"', [gone])).toEqual([
      { message: 'connection refused' },
    ]);
  });
});

describe('the refusals of CRI-O (T16)', () => {
  const text = readFileSync(new URL('../../../fixtures/answers/cri-o/commands.txt', import.meta.url), 'utf8');
  const calls = text.split(/^\$ /m).filter((call) => call.includes('in use'));

  it.each(calls.map((call) => [call.split('\n')[0] ?? '', call]))('are understood as such: %s', (command, call) => {
    const ids = command.match(/\b[0-9a-f]{64}\b/g) ?? [];
    const complaints = readComplaints(call.slice(command.length), ids);
    expect(complaints.map(({ imageId }) => imageId)).toEqual(ids);
    for (const id of ids) {
      expect(judgeRemoval(id, { timedOut: false, complaints }, true)).toMatchObject({
        kind: 'skipped',
        reason: 'InUse',
      });
    }
  });
});
