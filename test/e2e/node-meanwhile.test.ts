import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { type GatedCall, openGate } from '../fixtures/gated-crictl/gate.ts';
import { buildImageSpec, buildImageSpecs, fillerLayers } from '../helpers/images.ts';
import { startRegistry } from '../helpers/registry.ts';
import type { TestNode } from '../helpers/test-node.ts';
import { type CleanResult, runClean, runGated, startClean } from './node-clean.ts';
import { describeOnRuntimes } from './node-describe.ts';
import { expectGone, expectPresent } from './node-expect.ts';

describeOnRuntimes('between the plan and the lists before a batch', (bench) => {
  it('an image that becomes excluded, or pinned if the runtime can pin, is kept for that reason (H24)', async () => {
    const { node, runtime } = bench;
    await startUser(node);
    const [named, pinned, unused] = await node.importImages(
      ['named', 'pinned', 'unused'].map((name) =>
        buildImageSpec({ names: [`registry.test/${name}:1`], layers: fillerLayers(name) }),
      ),
    );
    if (!named || !pinned || !unused) throw new Error('three images were imported');
    const canPin = runtime === 'containerd-2';
    const images = { exclude: ['**/base'] };
    const change = async () => {
      await node.lone.ctr('images', 'tag', 'registry.test/named:1', 'registry.test/base:1');
      await waitFor('the runtime to notice', 10_000, () => node.imageIdOf('registry.test/base:1'));
      if (canPin) await node.lone.ctr('images', 'label', 'registry.test/pinned:1', 'io.cri-containerd.pinned=pinned');
    };
    const result = await runGated(node, { before: beforeLook(1, change) }, { job: { images } });
    expect(fateOf(result, named.id)).toBe('skipped Excluded');
    expect(fateOf(result, pinned.id)).toBe(canPin ? 'skipped Pinned' : 'removed');
    expect(result).toMatchObject({
      exitCode: 0,
      report: { outcome: 'Succeeded', images: { skipped: canPin ? 2 : 1 } },
    });
    await expectPresent(node, canPin ? [named, pinned] : [named]);
    await expectGone(node, [unused]);
  });

  it('and the lists before the next one, an image that somebody removes and pulls again is kept as a new one (H24)', async () => {
    const { node } = bench;
    await startUser(node);
    // It is the smallest, and so the last one, in the second batch.
    const registry = await startRegistry([buildImageSpec({ names: ['back:1'] })], node.scratch);
    onTestFinished(() => registry.stop());
    const name = `${registry.address}/back:1`;
    await node.crictl('pull', name);
    const unused = await node.importImages(buildImageSpecs('registry.test/unused', 55));
    const [back] = registry.images;
    if (back === undefined) throw new Error('the registry has an image');
    const result = await runGated(node, {
      before: beforeLook(1, () => node.crictl('rmi', back.id)),
      after: async ({ command, nth }) => {
        if (command === 'rmi' && nth === 0) await node.crictl('pull', name);
      },
    });
    expect(fateOf(result, back.id)).toBe('skipped TooYoung');
    expect(result.images.find(({ id }) => id === back.id)?.message).toContain('pulled since this run began');
    expect(result).toMatchObject({ exitCode: 0, report: { images: { removed: 55, skipped: 1 } } });
    await expectPresent(node, [back]);
    await expectGone(node, unused);
  });
});

describeOnRuntimes(
  'two cleaners that overlap by more than a minute',
  (bench) => {
    it('make no image older: an image that was used a minute ago is kept by age, and its history has that minute (H23)', async () => {
      const { node } = bench;
      await startUser(node);
      const [recent] = await node.importRunnables(['registry.test/recent:1']);
      const junk = await node.importImages(buildImageSpecs('registry.test/junk', 3));
      if (recent === undefined) throw new Error('an image was imported');
      const container = await node.runPod(recent.id);
      await runClean(node, { job: { dryRun: true } });
      await removePodOf(node, container);
      const usedUntil = Date.now();

      const rmi = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      const gate = await openGate(node.crictlPath, {
        before: async ({ command }) => {
          if (command !== 'rmi') return undefined;
          rmi.resolve();
          await released.promise;
          return undefined;
        },
      });
      const slow = await startClean(node, { gate, job: { policy: 'slow', images: { include: ['**/junk-*'] } } });
      await rmi.promise;
      await sleep(66_000);
      await runClean(node, { job: { policy: 'hourly', dryRun: true } });
      released.resolve();
      expect(await slow.done).toMatchObject({ exitCode: 0, report: { images: { removed: 3 } } });
      await gate.close();

      const byAge = { minAge: '2m', maxUnusedAge: '4m' };
      const result = await runClean(node, { job: { policy: 'by-age', images: byAge } });
      const event = result.images.find(({ id }) => id === recent.id);
      expect(event).toMatchObject({ decision: 'keep', reason: expect.stringMatching(/TooYoung|RecentlyUsed/) });
      expect(Math.abs(Date.parse(event?.lastUsed ?? '') - usedUntil)).toBeLessThan(20_000);
      expect(result).toMatchObject({ exitCode: 0, report: { images: { removed: 0 } } });
      await expectPresent(node, [recent]);
      await expectGone(node, junk);
    });
  },
  { only: ['containerd-1.6'] },
);

/** A node that a cleaner runs on is never without a container. */
async function startUser(node: TestNode): Promise<void> {
  const [user] = await node.importRunnables(['registry.test/user:1']);
  await node.runPod(user?.id);
}

/** Lets something happen when the cleaner looks at the node for the nth time, before any of its lists is read. */
function beforeLook(look: number, happen: () => Promise<unknown>) {
  let happened: Promise<unknown> | undefined;
  return async ({ command, nth }: GatedCall): Promise<undefined> => {
    if (nth !== look || !/^(?:images|ps)$/.test(command)) return;
    happened ??= happen();
    await happened;
  };
}

async function removePodOf(node: TestNode, container: string): Promise<void> {
  const { containers } = JSON.parse(await node.crictl('ps', '-a', '-o', 'json'));
  await node.crictl('rmp', '-f', containers.find(({ id }: { id: string }) => id === container).podSandboxId);
}

function fateOf({ images }: CleanResult, id: string): string | undefined {
  const image = images.find((image) => image.id === id);
  return [image?.outcome, image?.reason].filter(Boolean).join(' ');
}
