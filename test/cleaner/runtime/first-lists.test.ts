import { expect, it } from 'vitest';
import { connectRuntime } from '../../../cleaner/runtime/connect.ts';
import type { CrictlCall } from '../../../cleaner/runtime/crictl/process.ts';
import { beginFirstLists } from '../../../cleaner/runtime/first-lists.ts';

const endpoint = { crictl: 'crictl', endpoint: '/run/containerd/containerd.sock' };

/** A crictl whose list of images names the number of the look: an old answer shows. */
function countingCrictl() {
  const asked: string[] = [];
  const calls: CrictlCall[] = [];
  const run = async (call: CrictlCall, args: readonly string[]) => {
    asked.push(args.join(' '));
    calls.push(call);
    const look = asked.filter((one) => one === args.join(' ')).length;
    const image = { id: `sha256:${String(look).padStart(64, '0')}`, repoTags: [], repoDigests: [], size: '1' };
    return { stdout: JSON.stringify({ images: [image], containers: [] }) };
  };
  return { run, asked, calls };
}

it('begins to read the three lists at once, as the run itself would', async () => {
  const { run, asked, calls } = countingCrictl();
  beginFirstLists(endpoint, run);
  expect(asked).toEqual(['images -o json', 'ps -a -o json', 'imagefsinfo -o json']);
  const { run: later, calls: usual } = countingCrictl();
  await (await connectRuntime({ ...endpoint, run: later })).listImages();
  expect(calls[0]).toMatchObject({ ...usual[0] });
});

it('gives the lists no more time than the setting allows (H12)', () => {
  const { run, calls } = countingCrictl();
  beginFirstLists({ ...endpoint, maxReadSeconds: 10 }, run);
  expect(calls.map(({ global, deadlineSeconds }) => `${global[1]} ${deadlineSeconds}`)).toEqual([
    '10s 15',
    '10s 15',
    '10s 15',
  ]);
});

it('uses an answer once: later lists, as before each removal, are requested again (C34)', async () => {
  const { run, asked } = countingCrictl();
  const runtime = await connectRuntime({ ...endpoint, run: beginFirstLists(endpoint, run)?.run });
  const looks = [await runtime.listImages(), await runtime.listImages(), await runtime.listImages()];
  expect(looks.map(([image]) => Number(image?.id.slice('sha256:'.length)))).toEqual([1, 2, 3]);
  expect(asked.filter((args) => args.startsWith('images'))).toHaveLength(3);
  await runtime.listContainers();
  expect(asked.filter((args) => args.startsWith('ps'))).toHaveLength(1);
});

it('ends the calls that nobody waited for when the run is over', () => {
  const { run, calls } = countingCrictl();
  const look = beginFirstLists(endpoint, run);
  expect(calls.map(({ signal }) => signal?.aborted)).toEqual([false, false, false]);
  look?.end();
  expect(calls.map(({ signal }) => signal?.aborted)).toEqual([true, true, true]);
});

it('does not call crictl if the runtime is Docker Engine', () => {
  const { run, asked } = countingCrictl();
  expect(beginFirstLists({ crictl: 'crictl', endpoint: 'unix:///var/run/docker.sock' }, run)).toBeUndefined();
  expect(asked).toEqual([]);
});
