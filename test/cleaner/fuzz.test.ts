import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../cleaner/decide.ts';
import { createCrictl } from '../../cleaner/runtime/crictl/crictl.ts';
import { CrictlError } from '../../cleaner/runtime/crictl/error.ts';
import { createUsageReader } from '../../cleaner/runtime/inventory.ts';
import { InventoryError } from '../../cleaner/runtime/inventory-error.ts';
import { writeReplayingCrictl } from '../fixtures/broken-crictl/replaying.ts';
import { buildSimulatedNode } from '../fixtures/simulated/node.ts';
import { createBench, runClean } from '../helpers/clean.ts';
import { bareId, findUntouchable } from '../helpers/evidence.ts';
import { fuzzNodes } from '../helpers/fuzz-node.ts';
import { buildJob, buildRunHistory } from '../helpers/inventory.ts';
import { mutations, pathsIn } from '../helpers/mutations.ts';
import { type Answers, type PrintedAnswers, printAnswers, replay } from '../helpers/replay.ts';

/** Places where a loss would hide a use, a name or a pin. */
const alwaysPrinted =
  /^(images [\d.]+images(\.\d+\.(id|repoTags|repoDigests|size|pinned))?|ps [\d.]+containers(\.\d+\.(id|imageRef))?|inspect [\d.]+status(\.(id|mounts))?|info \d+\.status|pods [\d.]+items(\.\d+\.(id|state))?|inspectp [\d.]+status(\.(id|state))?)$/;
const fullDisk = { capacityBytes: 100e9, usedBytes: 99e9, availableBytes: 1e9 };

describe.each(fuzzNodes)('no change of an answer ($name) removes an image whose use it still shows (T1)', (node) => {
  const { truth, answers, expected } = node;
  const job = buildJob(node.job);
  const ids = new Set([answers.images, answers.ps, answers.pods].flatMap(textsOf));
  const places = (Object.keys(answers) as (keyof Answers)[]).flatMap((command) =>
    pathsIn(answers[command]).map((path) => ({ command, path })),
  );
  const untouchable = findUntouchable(truth, answers);

  /** The IDs of the images that would be removed; undefined where the answers are refused. */
  async function planRemovals(given: PrintedAnswers): Promise<readonly string[] | undefined> {
    const runtime = createCrictl({ executable: 'crictl' }, replay(given, ids));
    try {
      const { plan } = await decide(job, {
        runtime,
        readUsage: createUsageReader(runtime, node.podUid),
        ownReferences: [],
        history: buildRunHistory(undefined),
        measureDisk: async () => fullDisk,
      });
      return plan.removals.map(({ image }) => bareId(image.id));
    } catch (error) {
      if (error instanceof CrictlError || error instanceof InventoryError) return undefined;
      throw error;
    }
  }

  async function expectSafe(given: Answers, what: string): Promise<void> {
    const suspects = (await planRemovals(printAnswers(given)))?.filter((id) => untouchable.has(id)) ?? [];
    if (suspects.length === 0) return;
    const stillTold = findUntouchable(truth, given);
    for (const id of suspects) expect(stillTold.get(id), `${what}, and ${id} is removed`).toBeUndefined();
  }

  function change(given: Answers, place: number, mutation: number): { readonly given: Answers; readonly what: string } {
    const { command, path } = pick(places, place);
    const { name, apply } = pick(mutations, mutation);
    return {
      given: { ...given, [command]: apply(given[command], path) },
      what: `${command} ${path.join('.')} ${name}`,
    };
  }

  it('when nothing happens, the unused images are removed', async () => {
    expect(await planRemovals(printAnswers(answers))).toHaveLength(expected.removed);
    expect(untouchable.size).toBe(expected.untouchable);
  });

  it('when any one value is lost or emptied', async () => {
    for (const place of places.keys()) {
      for (const mutation of [0, 1]) {
        const { given, what } = change(answers, place, mutation);
        await expectSafe(given, what);
      }
    }
  });

  it('when a value is lost that crictl always prints, which is noticed', async () => {
    for (const [index, { command, path }] of places.entries()) {
      if (!alwaysPrinted.test(`${command} ${path.join('.')}`)) continue;
      const { given, what } = change(answers, index, 0);
      expect(await planRemovals(printAnswers(given)), what).toBeUndefined();
    }
  });

  it('when up to three values change in any way', () => {
    const steps = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(steps, async (all) => {
      let done = { given: answers, what: '' };
      for (const [place, mutation] of all) {
        const { given, what } = change(done.given, place, mutation);
        done = { given, what: `${done.what}${what}; ` };
      }
      await expectSafe(done.given, done.what);
    });
    return fc.assert(property, { numRuns: 500 });
  });

  it('when it is cut off anywhere', async () => {
    const printed = printAnswers(answers);
    for (const command of [
      'images',
      'ps',
      'inspect',
      'info',
      'pods',
      'inspectp',
      ...(job.disk ? (['inspecti'] as const) : []),
    ] as const) {
      for (let share = 0; share < 1; share += 0.02) {
        const text = printed[command].slice(0, share * printed[command].length);
        const removals = await planRemovals({ ...printed, [command]: text });
        expect(removals, `${command} is cut off at ${share}`).toBeUndefined();
      }
    }
  });
});

describe('the real process', () => {
  const [node] = fuzzNodes;
  if (node === undefined) throw new Error('there is no node');
  const printed = printAnswers(node.answers);

  it.each<[what: string, changed: Partial<PrintedAnswers>, exitCode: number, removed: number]>([
    ['removes the junk', {}, 1, node.expected.removed],
    ['removes nothing if the images are cut off', { images: printed.images.slice(0, -9) }, 2, 0],
    [
      'removes nothing if containers lost their images',
      { ps: printed.ps.replaceAll('"imageRef"', '"ImageRef"') },
      2,
      0,
    ],
    ['removes nothing if mounts are missing', { inspect: printed.inspect.replaceAll('"mounts"', '"mount"') }, 2, 0],
    ['removes nothing if the containers are missing', { ps: '{"containers":[]}' }, 2, 0],
  ])('%s (T1)', async (_, changed, exitCode, removed) => {
    const bench = await createBench(buildSimulatedNode(), {});
    const { executable, readRemoved } = await writeReplayingCrictl(bench.directory, { ...printed, ...changed });
    const run = await runClean(bench, [], { CRICTL: executable });
    expect(run.exitCode).toBe(exitCode);
    expect(new Set(await readRemoved()).size).toBe(removed);
    await bench.remove();
  });
});

/** Every text in a document. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function pick<T>(all: readonly T[], index: number): T {
  const found = all[index % all.length];
  if (found === undefined) throw new Error('there is nothing to pick from');
  return found;
}
