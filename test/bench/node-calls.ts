import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeBench } from './node-bench.ts';

/** One call of crictl in a run of the cleaner; times are milliseconds from the first one's start. */
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
    const run = await bench.clean(policy, {
      CRICTL: timedCrictl,
      TIMED_CRICTL: bench.node.crictlPath,
      TIMED_LOG: log,
    });
    return { run, calls: parseCalls(await readFile(log, 'utf8')) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The number of calls that were made before the first removal: all of them where there was none. */
export function countCallsBeforeDecision(calls: readonly TimedCall[]): number {
  const first = calls.findIndex(({ command }) => command === 'rmi');
  return first === -1 ? calls.length : first;
}

/** The time of a run by its parts, in ms; what runs side by side counts once. */
export function profileRun(durationMs: number, calls: readonly TimedCall[]) {
  const removals = calls.filter(({ command }) => command === 'rmi');
  const looks = calls.filter(({ command }) => command !== 'rmi');
  const firstRemoval = removals[0]?.startMs ?? Number.POSITIVE_INFINITY;
  const before = looks.filter(({ startMs }) => startMs < firstRemoval);
  const between = looks.filter(({ startMs }) => startMs > firstRemoval);
  const known = [removals, before, between].map(totalMs);
  const [removing = 0, lookingFirst = 0, lookingAgain = 0] = known;
  return {
    removing: Math.round(removing),
    batches: removals.length,
    'looking before': Math.round(lookingFirst),
    'looking between and after': Math.round(lookingAgain),
    'the cleaner itself': Math.round(durationMs - removing - lookingFirst - lookingAgain),
  };
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
  const firstMs = Math.min(...calls.map(({ startMs }) => startMs));
  return calls
    .map(({ command, startMs, endMs }) => ({ command, startMs: startMs - firstMs, endMs: endMs - firstMs }))
    .toSorted((a, b) => a.startMs - b.startMs);
}

/** The time in which at least one of the calls was running. */
function totalMs(calls: readonly TimedCall[]): number {
  let total = 0;
  let reached = 0;
  for (const { startMs, endMs } of calls) {
    total += Math.max(0, endMs - Math.max(startMs, reached));
    reached = Math.max(reached, endMs);
  }
  return total;
}
