import { expect, it } from 'vitest';
import { createCrictl } from '../../../../cleaner/runtime/crictl/crictl.ts';
import type { RunCrictl } from '../../../../cleaner/runtime/crictl/process.ts';
import { podList, runtimeInfo, sandboxStatus } from '../../../fixtures/simulated/answers.mjs';
import { buildSandbox, buildSimulatedNode, type SimulatedNode } from '../../../fixtures/simulated/node.ts';

/** A crictl over a simulated node that may change; it takes note of the IDs that it is asked about. */
function startRuntime(node: { current: SimulatedNode }) {
  const asked: (readonly string[])[] = [];
  const answer = (args: readonly string[]): unknown => {
    if (args[0] === 'pods') return { items: podList(node.current) };
    if (args[0] === 'info') return runtimeInfo(node.current);
    asked.push(args.slice(3));
    return args.slice(3).map((id) => sandboxStatus(node.current, id));
  };
  const run: RunCrictl = async (_call, args) => {
    try {
      return { stdout: JSON.stringify(answer(args)) };
    } catch (error) {
      return { problem: { kind: 'Exited', exitCode: 1, stderr: `level=fatal msg=${JSON.stringify(String(error))}` } };
    }
  };
  return { runtime: createCrictl({ executable: 'crictl' }, run), asked };
}

function buildNode(fields: Partial<SimulatedNode>): { current: SimulatedNode } {
  return { current: buildSimulatedNode({ sandboxImage: 'registry.test/base:1', ...fields }) };
}

it.each(['containerd-1.6', 'containerd-2.4', 'cri-o', 'crictl-1.24'] as const)(
  'the images of sandboxes in any state are reported by %s, by name or ID (H7)',
  async (flavour) => {
    const id = `sha256:${'ab'.repeat(32)}`;
    const sandboxes = [
      buildSandbox('a'),
      buildSandbox('b', { image: 'registry.test/before:1', state: 'SANDBOX_NOTREADY' }),
      buildSandbox('c', { image: id }),
    ];
    const { runtime } = startRuntime(buildNode({ flavour, sandboxes }));
    expect(await runtime.getSandboxImages()).toEqual(['registry.test/base:1', 'registry.test/before:1', id]);
  },
);

it('hundreds of sandboxes are inspected in few calls, and each once (H7)', async () => {
  const sandboxes = Array.from({ length: 450 }, (_, index) => buildSandbox(`pod-${index}`));
  const node = buildNode({ sandboxes });
  const { runtime, asked } = startRuntime(node);
  await runtime.getSandboxImages();
  expect(asked).toHaveLength(5);
  node.current = { ...node.current, sandboxes: [...sandboxes, buildSandbox('new', { image: 'registry.test/new:1' })] };
  expect(await runtime.getSandboxImages()).toContain('registry.test/new:1');
  expect(asked.slice(5)).toEqual([[buildSandbox('new').id]]);
});

it('a sandbox that is removed while it is inspected has no image, although the runtime does not name it (H7)', async () => {
  const [gone, ...rest] = Array.from({ length: 10 }, (_, index) => buildSandbox(`pod-${index}`));
  if (gone === undefined) throw new Error('there are ten');
  const node = buildNode({ sandboxes: [gone, ...rest] });
  const { runtime, asked } = startRuntime(node);
  const reading = runtime.getSandboxImages();
  node.current = { ...node.current, sandboxes: rest };
  expect(await reading).toEqual(['registry.test/base:1']);
  expect(asked.length).toBeLessThan(12);
});

it('without any sandbox there is no further request', async () => {
  const { runtime, asked } = startRuntime(buildNode({ flavour: 'cri-o' }));
  expect(await runtime.getSandboxImages()).toEqual(['registry.test/base:1']);
  expect(asked).toEqual([]);
});

it.each([
  ['that is left out', { image: null }],
  ['that is empty although the sandbox is ready', { image: '' }],
])('an image %s is unknown: it can be any image (H7)', async (_, answer) => {
  const { runtime } = startRuntime(buildNode({ sandboxes: [buildSandbox('a', { answer })] }));
  await expect(runtime.getSandboxImages()).rejects.toThrow(
    `it lacks the image of the sandbox ${buildSandbox('a').id}, which could be any image on this node`,
  );
});

it('a sandbox without a container has no image (H7)', async () => {
  const sandbox = buildSandbox('a', { state: 'SANDBOX_NOTREADY', answer: { image: '', processStatus: 'deleted' } });
  expect(await startRuntime(buildNode({ sandboxes: [sandbox] })).runtime.getSandboxImages()).toEqual([]);
});
