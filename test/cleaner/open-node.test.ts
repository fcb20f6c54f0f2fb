import { tmpdir } from 'node:os';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { openNode } from '../../cleaner/open-node.ts';

function openCounted(answers: readonly (string | Error)[]) {
  let asked = 0;
  const runtime = {
    getImageFilesystems: async () => {
      const answer = answers[asked++] ?? answers.at(-1) ?? '';
      if (answer instanceof Error) throw answer;
      return [answer];
    },
  };
  const node = openNode(
    { state: undefined, stateOnNode: undefined, ownReferences: [], runtime },
    pino({ level: 'silent' }),
  );
  return { node, asked: () => asked };
}

it('asks once for the directory of the images, and measures its usage each time (H13)', async () => {
  const { node, asked } = openCounted([tmpdir(), '/nowhere']);
  const usages = [await node.measureDisk(), await node.measureDisk(), await node.measureDisk()];
  expect(usages.map(({ capacityBytes }) => capacityBytes > 0)).toEqual([true, true, true]);
  expect(asked()).toBe(1);
});

it('asks again for the directory of the images after an answer that failed (H13)', async () => {
  const { node, asked } = openCounted([new Error('the runtime is down'), tmpdir()]);
  await expect(node.measureDisk()).rejects.toThrow('the runtime is down');
  expect((await node.measureDisk()).capacityBytes).toBeGreaterThan(0);
  expect(asked()).toBe(2);
});
