import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { type GatedCall, withTimeout } from '../fixtures/gated-crictl/gate.ts';
import { buildImageSpecs, type WrittenImage } from '../helpers/images.ts';
import type { TestNode } from '../helpers/test-node.ts';
import { runClean, runGated } from './node-clean.ts';
import { describeOnRuntimes } from './node-describe.ts';
import { expectGone, expectIntact, expectPresent, expectTold } from './node-expect.ts';

/** More than the cleaner removes at once. */
const unusedCount = 60;

const isFirst = (command: string) => (call: GatedCall) => call.command === command && call.nth === 0;
const isFirstRemoval = isFirst('rmi');
/** Once for the plan, and once more right before the first removal. */
const isSecondLook = ({ command, nth }: GatedCall) => command === 'ps' && nth === 1;

describeOnRuntimes('a runtime that fails', (bench) => {
  let used: readonly WrittenImage[];
  let unused: readonly WrittenImage[];
  let before: ReadonlySet<string>;

  beforeEach(async () => {
    const { node } = bench;
    unused = await node.importImages(buildImageSpecs('registry.test/unused', unusedCount));
    used = await node.importRunnables(['registry.test/running:1', 'registry.test/created:1']);
    await node.runPod(used[0]?.id);
    await node.runPod(used[1]?.id, { created: true });
    before = await node.imageIds();
  });

  const expectNextRunToFinish = async ({ node }: typeof bench) => {
    expect(await runClean(node)).toMatchObject({ exitCode: 0, report: { outcome: 'Succeeded' } });
    await expectGone(node, unused);
    await expectIntact(node, used);
  };

  it('is killed in the middle of a batch: the requested images are unknown and the others are skipped; the next run also removes images with only an ID (T12, T13, N9)', async () => {
    const { node } = bench;
    let killed = Promise.resolve();
    const result = await runGated(node, {
      before: async (call) => {
        if (isFirstRemoval(call)) killed = killInTheMiddle(node);
        return undefined;
      },
    });
    await killed;
    expect(result).toMatchObject({ exitCode: 1, report: { outcome: 'PartiallyFailed' } });
    expect(result.images.filter(({ outcome }) => outcome === 'removed' || outcome === 'failed')).toEqual([]);

    await node.lone.restart();
    await expectTold(result, node, before);
    await expectPresent(node, used);
    // The kill leaves some, but not each time.
    await node.takeNames('registry.test/unused');
    const nameless = await node.namelessImageIds();
    expect(nameless).not.toEqual([]);
    const next = await runClean(node);
    expect(next.images).toEqual(
      expect.arrayContaining(nameless.map((id) => expect.objectContaining({ id, names: [], outcome: 'removed' }))),
    );
    await expectGone(node, unused);
    await expectIntact(node, used);
  });

  it('is killed with half of a batch removed, and started again: the other half has failed, and the other batches continue (T13, N9)', async () => {
    const { node } = bench;
    const result = await runGated(node, {
      before: async (call) => {
        if (!isFirstRemoval(call)) return undefined;
        const ids = call.args.filter((arg) => before.has(arg));
        await node.crictl('rmi', ...ids.slice(0, ids.length / 2));
        await node.lone.kill();
        return undefined;
      },
      after: async (call) => {
        if (isFirstRemoval(call)) await node.lone.restart();
      },
    });
    expect(result).toMatchObject({ exitCode: 1, report: { images: { skipped: 0, unknown: 0 } } });
    expect(result.report?.images.failed).toBeGreaterThan(0);
    expect(result.report?.images.removed).toBeGreaterThan(0);
    await expectTold(result, node, before);
    await expectNextRunToFinish(bench);
  });

  it('is gone between plan and removal: nothing is attempted (C34, T1)', async () => {
    const { node } = bench;
    const result = await runGated(node, {
      before: async (call) => {
        if (isSecondLook(call)) await node.lone.kill();
        return undefined;
      },
    });
    expect(result).toMatchObject({ exitCode: 2, report: { outcome: 'Failed', images: { removed: 0, skipped: 60 } } });
    await node.lone.restart();
    await expectTold(result, node, before);
    await expectNextRunToFinish(bench);
  });

  it('is restarted between plan and removal: the run continues normally (N8)', async () => {
    const { node } = bench;
    let restarted: Promise<void> | undefined;
    const restart = async () => {
      await node.lone.kill();
      await node.lone.restart();
    };
    // The lists are asked for side by side.
    const restartOnce = () => {
      restarted ??= restart();
      return restarted;
    };
    const result = await runGated(node, {
      before: async ({ nth }) => {
        if (nth === 1) await restartOnce();
        return undefined;
      },
    });
    expect(result).toMatchObject({ exitCode: 0, report: { images: { removed: 60 } } });
    await expectTold(result, node, before);
    await expectIntact(node, used);
  });

  it.each(['images', 'ps'])('is frozen at the request for %s: nothing is removed (T1)', async (command) => {
    const { node } = bench;
    const result = await runGated(node, {
      before: async (call) => {
        if (isFirst(command)(call)) await node.lone.signal('SIGSTOP');
        return withTimeout(call.args, 2);
      },
    });
    await node.lone.signal('SIGCONT');
    expect(result).toMatchObject({ exitCode: 2, report: { outcome: 'Failed', images: { removed: 0 } } });
    expect(await node.imageIds()).toEqual(before);
    await expectNextRunToFinish(bench);
  });

  it('is frozen during a removal, until after its deadline: the cleaner lists the images again, and tries those that still exist again (T13)', async () => {
    const { node } = bench;
    const result = await runGated(node, {
      before: async (call) => {
        if (isFirstRemoval(call)) await node.lone.signal('SIGSTOP');
        return isFirstRemoval(call) ? withTimeout(call.args, 2) : undefined;
      },
      after: async (call) => {
        if (isFirstRemoval(call)) await node.lone.signal('SIGCONT');
      },
    });
    expect(result).toMatchObject({ exitCode: 0, report: { outcome: 'Succeeded', images: { removed: 60 } } });
    await expectTold(result, node, before);
    await expectIntact(node, used);
  });

  it('is frozen during a removal and afterwards: the requested images are unknown (T13)', async () => {
    const { node } = bench;
    const result = await runGated(node, {
      before: async (call) => {
        if (isFirstRemoval(call)) await node.lone.signal('SIGSTOP');
        return withTimeout(call.args, 2);
      },
    });
    await node.lone.signal('SIGCONT');
    expect(result).toMatchObject({ exitCode: 1, report: { outcome: 'PartiallyFailed', images: { removed: 0 } } });
    expect(result.report?.images.unknown).toBeGreaterThan(0);
    await expectTold(result, node, before);
    await expectNextRunToFinish(bench);
  });
});

/** Kills the runtime once it has written down some steps of a removal: a name takes one, and each image has two. */
async function killInTheMiddle({ lone }: TestNode): Promise<void> {
  const records = join(lone.imageDirectory, 'io.containerd.metadata.v1.bolt/meta.db');
  const writtenAt = new Set<number>();
  while (writtenAt.size < 10) {
    writtenAt.add((await stat(records)).mtimeMs);
    await sleep(1);
  }
  await lone.kill();
}
