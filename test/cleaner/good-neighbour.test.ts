import { readFile, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { writeBrokenCrictl } from '../fixtures/broken-crictl/broken.ts';
import {
  buildContainer,
  buildImage,
  buildSimulatedNode,
  type SimulatedNode,
  simulatedCrictl,
} from '../fixtures/simulated/node.ts';
import { type Bench, createBench, imagesLeft, nameOf, runClean, startClean } from '../helpers/clean.ts';

const web = buildImage('docker.io/library/web:1');
const old = buildImage('docker.io/library/old:1');
const junk = Array.from({ length: 80 }, (_, index) => buildImage(`docker.io/library/junk:${index}`));

let bench: Bench;

afterEach(() => bench.remove());

async function prepare(node: Partial<SimulatedNode>, job: object = {}): Promise<void> {
  bench = await createBench(buildSimulatedNode(node), job);
}

describe('activeDeadlineSeconds', () => {
  it('ends a run before the kubelet does: the current removal finishes, and the report shows which images were not tried (T14)', async () => {
    const slow = junk.map((image) => ({ ...image, removal: { kind: 'Late', ms: 10_000 } as const }));
    await prepare({ images: slow }, { activeDeadlineSeconds: 10 });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(1);
    expect(imagesLeft(bench)).toHaveLength(30);
    expect(run.report).toMatchObject({
      outcome: 'PartiallyFailed',
      images: { removed: 50, skipped: 30 },
      errors: [
        { reason: 'DeadlineExceeded', message: '30 images were not tried: activeDeadlineSeconds (10) is nearly over' },
      ],
    });
  });

  it.each(['ps', 'inspect'] as const)('ends a run that waits for crictl %s, and crictl too', async (command) => {
    await prepare({ images: [web, old], containers: [buildContainer(web)] }, { activeDeadlineSeconds: 3 });
    const CRICTL = await writeBrokenCrictl(bench.directory, command, 'hangs');
    const run = await runClean(bench, [], { CRICTL });

    expect(run).toMatchObject({
      exitCode: 2,
      report: {
        outcome: 'Failed',
        errors: [{ reason: 'DeadlineExceeded', message: 'activeDeadlineSeconds (3) is nearly over' }],
      },
    });
    expect(run.report.durationMs).toBeLessThan(10_000);
    expect(imagesLeft(bench)).toEqual([nameOf(old), nameOf(web)]);
  });
});

describe('other processes on the node', () => {
  it('have precedence: the cleaner pauses while they wait for the disk, and logs it', async () => {
    await prepare({ images: [old], pressure: { io: 80 } });
    const run = await runClean(bench);

    expect(run).toMatchObject({ exitCode: 0, report: { images: { removed: 1 } } });
    const rests = run.events.filter(({ event }) => event === 'rest');
    expect(rests).toMatchObject([{ resources: ['io'], msg: 'gave way to others on this node' }]);
    expect(run.report.durationMs).toBeGreaterThan(5_000);
  });

  it('get the CPU first, because crictl inherits a lower priority', async () => {
    await prepare({ images: [old] });
    const CRICTL = join(bench.directory, 'crictl');
    await writeFile(CRICTL, `#!/bin/sh\nnice >"$0.niceness"\nexec '${simulatedCrictl}' "$@"\n`, { mode: 0o755 });
    expect((await runClean(bench, [], { CRICTL })).exitCode).toBe(0);
    expect(Number(await readFile(`${CRICTL}.niceness`, 'utf8'))).toBe(Math.max(5, getPriority()));
  });
});

describe('a report', () => {
  const runWithReport = (path: string) => {
    const { subprocess, done } = startClean(bench, ['--report', path]);
    // There is no report at its usual place.
    done.catch(() => undefined);
    return subprocess;
  };

  it('that cannot be written is noticed before anything is removed', async () => {
    await prepare({ images: [old] });
    const { exitCode, stdout } = await runWithReport(join(bench.directory, 'missing', 'report.json'));

    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/the report can't be written to .*: check the path given to --report \(ENOENT/);
    expect(imagesLeft(bench)).toEqual([nameOf(old)]);
  });

  it('without room on a full disk stops no removal, and is no success', async () => {
    await prepare({ images: [old] });
    const { exitCode, stdout } = await runWithReport('/dev/full');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/"reason":"ReportNotWritten".*the report can't be written to \/dev\/full.*ENOSPC/);
    expect(imagesLeft(bench)).toEqual([]);
  });

  it('of an earlier run does not count as the report of a run that was killed', async () => {
    await prepare({ images: [{ ...old, removal: { kind: 'Late', ms: 3_000 } }] });
    await writeFile(bench.reportFile, 'an earlier report');
    const { subprocess, done } = startClean(bench);
    while ((await readFile(bench.reportFile, 'utf8')) !== '') await sleep(20);
    subprocess.kill('SIGKILL');
    await expect(done).rejects.toThrow();
  });
});
