import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeBench } from './node-bench.ts';
import { figuresOptions, type ProcessFigures, readFigures } from './process-figures.ts';

/** One call of crictl in a run of the cleaner; times are milliseconds since the epoch. */
export interface TimedCall {
  readonly command: string;
  readonly startMs: number;
  readonly endMs: number;
}

const timedCrictl = fileURLToPath(new URL('../fixtures/timed-crictl/crictl', import.meta.url));

/** Runs the cleaner, and notes every call that it makes, in order of their starts. */
export async function recordCalls(bench: NodeBench, policy: object) {
  const directory = await mkdtemp(join(tmpdir(), 'calls-'));
  const log = join(directory, 'log');
  try {
    const environment = { CRICTL: timedCrictl, TIMED_CRICTL: bench.node.crictlPath, TIMED_LOG: log };
    const { stderr } = await bench.clean(policy, environment, figuresOptions);
    return { process: readFigures(stderr), calls: parseCalls(await readFile(log, 'utf8')) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The number of calls that were made before the first removal: all of them where there was none. */
export function countCallsBeforeDecision(calls: readonly TimedCall[]): number {
  const first = calls.findIndex(({ command }) => command === 'rmi');
  return first === -1 ? calls.length : first;
}

/**
 * The time of a run by its parts, in ms. What runs side by side counts once: the first lists are read while modules load.
 */
export function profileRun(
  { startedAt, bootedAt, loadedAt, endedAt, cpuMs }: ProcessFigures,
  calls: readonly TimedCall[],
) {
  const removals = calls.filter(({ command }) => command === 'rmi');
  const looks = calls.filter(({ command }) => command !== 'rmi');
  const firstRemoval = removals[0]?.startMs ?? endedAt;
  const lists = looks.filter(({ startMs }) => startMs < firstRemoval);
  const listing = totalMs(lists, loadedAt);
  const removing = totalMs(removals);
  const looking = totalMs(
    looks.filter(({ startMs }) => startMs > firstRemoval),
    firstRemoval,
  );
  const parts = {
    'start of Node.js': bootedAt - startedAt,
    modules: loadedAt - bootedAt,
    'lists, after that': listing,
    plan: firstRemoval - loadedAt - listing,
    removal: removing,
    'lists between and after': looking,
    'the rest': endedAt - firstRemoval - removing - looking,
    'all of it': endedAt - startedAt,
    'no call under way': endedAt - startedAt - totalMs(calls),
    'CPU time of the cleaner': cpuMs,
    batches: removals.length,
  };
  return Object.fromEntries(Object.entries(parts).map(([part, ms]) => [part, Math.round(ms)]));
}

function parseCalls(text: string): readonly TimedCall[] {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const calls = lines.map(([start, end, command = '']) => ({
    command,
    startMs: Number(start) / 1e6,
    endMs: Number(end) / 1e6,
  }));
  return calls.toSorted((a, b) => a.startMs - b.startMs);
}

/** The time since an instant in which at least one of the calls was running. */
function totalMs(calls: readonly TimedCall[], since = 0): number {
  let total = 0;
  let reached = since;
  for (const { startMs, endMs } of calls) {
    total += Math.max(0, endMs - Math.max(startMs, reached));
    reached = Math.max(reached, endMs);
  }
  return total;
}
