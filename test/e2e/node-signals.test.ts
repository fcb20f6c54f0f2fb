import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { openGate } from '../fixtures/gated-crictl/gate.ts';
import { buildImageSpecs, type WrittenImage } from '../helpers/images.ts';
import { type CleanResult, runClean, startClean } from './node-clean.ts';
import { describeOnRuntimes } from './node-describe.ts';
import { expectGone, expectIntact, expectPresent, expectTold } from './node-expect.ts';

/** For the many runs of a loop over all steps. */
const timeout = 900_000;
/** A batch in full, and a second one. */
const unusedCount = 55;

describeOnRuntimes('a cleaner that is ended at any step', (bench) => {
  let used: readonly WrittenImage[];
  let unused: readonly WrittenImage[];

  beforeEach(async () => {
    const { node } = bench;
    used = await node.importRunnables(['registry.test/running:1', 'registry.test/created:1']);
    await node.runPod(used[0]?.id);
    await node.runPod(used[1]?.id, { created: true });
    await importUnused();
  });

  /** Also again, after some of them were removed. */
  const importUnused = async () => {
    unused = await bench.node.importImages(buildImageSpecs('registry.test/unused', unusedCount));
  };

  /** Runs a cleaner, and sends it a signal right when it makes its n-th call. Tells whether it came to that call. */
  const endAt = async (n: number, signal: NodeJS.Signals): Promise<CleanResult & { readonly wasReached: boolean }> => {
    const { node } = bench;
    let send = async () => {};
    const gate = await openGate(node.crictlPath, {
      before: async ({ index }) => {
        if (index === n) await send();
        return undefined;
      },
    });
    const cleaner = await startClean(node, { gate });
    send = () => cleaner.signal(signal);
    const result = await cleaner.done;
    // After a kill the last call goes on by itself.
    await gate.close();
    return { ...result, wasReached: gate.calls.length > n };
  };

  // The effect of a signal has little to do with the runtime, and its steps are many: one of the two is enough for each.
  it.runIf(bench.runtime === 'containerd-2')(
    'by SIGTERM lets the removal in flight finish, starts no other, and reports what it did (T14, C33)',
    { timeout },
    async () => {
      const { node } = bench;
      const outcomes = new Set<string>();
      for (let n = 0; ; n++) {
        await importUnused();
        const before = await node.imageIds();
        const { wasReached, ...result } = await endAt(n, 'SIGTERM');
        const { removed = 0, skipped = 0, failed, unknown } = result.report?.images ?? {};
        outcomes.add(`${removed} removed`);
        await expectPresent(node, used);
        if (result.images.length === 0) {
          // It came before there was a plan.
          expect(result).toMatchObject({ exitCode: 2, report: { errors: [{ reason: 'Interrupted' }] } });
          expect(await node.imageIds()).toEqual(before);
          continue;
        }
        await expectTold(result, node, before);
        expect({ sum: removed + skipped, failed, unknown }).toEqual({ sum: unusedCount, failed: 0, unknown: 0 });
        expect(result.exitCode).toBe(skipped === 0 ? 0 : removed === 0 ? 2 : 1);
        if (!wasReached) break;
      }
      expect([...outcomes]).toEqual(['0 removed', '50 removed', '55 removed']);
      await expectIntact(node, used);
    },
  );

  it.runIf(bench.runtime === 'containerd-1.6')(
    'by SIGKILL leaves no used image lost, and a history that the next run can rely on when it finishes the rest (T14, N8, C33)',
    { timeout },
    async () => {
      const { node } = bench;
      for (let n = 0; ; n++) {
        await importUnused();
        const { wasReached } = await endAt(n, 'SIGKILL');
        await expectPresent(node, used);
        const next = await runClean(node);
        expect(next).toMatchObject({ exitCode: 0, report: { outcome: 'Succeeded' } });
        expect(next.events.filter(({ level }) => level === 'warn')).toEqual([]);
        await expectGone(node, unused);
        const history = JSON.parse(await readFile(join(node.stateDirectory, 'history.json'), 'utf8'));
        expect(Object.keys(history.images).sort()).toEqual([...(await node.imageIds())].sort());
        if (!wasReached) break;
      }
      await expectIntact(node, used);
    },
  );
});
