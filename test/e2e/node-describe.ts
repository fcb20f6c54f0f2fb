import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import type { Runtime } from '../cluster/containerd.ts';
import { TestNode } from '../helpers/test-node.ts';

const runtimes: readonly Runtime[] = ['containerd-1.6', 'containerd-2'];

/** Describes what holds with each of these versions of containerd. Every test begins with a node without images. */
export function describeOnRuntimes(
  what: string,
  define: (bench: { readonly node: TestNode; readonly runtime: Runtime }) => void,
  { only = runtimes, imageFilesystemSize }: { only?: readonly Runtime[]; imageFilesystemSize?: string } = {},
): void {
  describe.skipIf(process.env.KUBECONFIG !== undefined).each(only)(`${what}, on %s`, (runtime) => {
    let started: TestNode | undefined;
    beforeAll(async () => {
      started = await TestNode.start(`lone-${runtime}`, {
        runtime,
        ...(imageFilesystemSize && { imageFilesystemSize }),
      });
    });
    afterAll(() => started?.stop());
    const bench = {
      runtime,
      get node(): TestNode {
        if (started === undefined) throw new Error('the node is there in tests and hooks only');
        return started;
      },
    };
    beforeEach(() => bench.node.reset());
    define(bench);
  });
}
