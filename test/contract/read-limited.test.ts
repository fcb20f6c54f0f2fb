import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readLimited } from '../../contract/read-limited.ts';

const part = Buffer.alloc(4, 'a');

it('a stream that is as long as allowed is read to its end', async () => {
  expect(await readLimited(Readable.from([part, part]), 8)).toEqual(Buffer.alloc(8, 'a'));
  expect(await readLimited(Readable.from([]), 0)).toEqual(Buffer.alloc(0));
});

it('a longer stream is read no further, and is closed', async () => {
  let parts = 0;
  const endless = new Readable({
    highWaterMark: 1,
    read() {
      parts += 1;
      this.push(part);
    },
  });
  expect(await readLimited(endless, 8)).toBeUndefined();
  expect(endless.destroyed).toBe(true);
  expect(parts).toBeLessThan(10);
});

it('the failure of a stream is passed on', async () => {
  const failing = new Readable({ read: () => failing.destroy(new Error('reset')) });
  await expect(readLimited(failing, 8)).rejects.toThrow('reset');
});
