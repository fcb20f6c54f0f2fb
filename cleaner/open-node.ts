import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { measureImageDisk } from './filesystem.ts';
import type { Clock } from './history/clock.ts';
import { changeHistory, loadHistory } from './history/file.ts';
import { readPressure } from './removal/pressure-file.ts';
import { createThrottle } from './removal/throttle.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { NodeAccess } from './sweep.ts';

/** Where the history is unless a directory is given. */
export const usualState = '/var/lib/nodesweep';

export type NodeOptions = {
  /** The directory of the cleaner's own. */
  readonly state: string | undefined;
  /** Its path on the node, where the cleaner runs in a pod. */
  readonly stateOnNode: string | undefined;
  readonly ownReferences: readonly string[];
  readonly runtime: Pick<Runtime, 'getImageFilesystems'>;
  readonly clock: Clock;
};

/** This machine, as a run needs it. What is out of the ordinary is logged. */
export function openNode({ state, stateOnNode, ownReferences, runtime, clock }: NodeOptions, log: Logger): NodeAccess {
  const directory = state ?? usualState;
  const rest = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined);
  return {
    now: clock.now,
    ownReferences,
    measureDisk: () => measureImageDisk(runtime, { directory: state, pathOnNode: stateOnNode }),
    changeHistory: async (change) => {
      const problem = await changeHistory(directory, clock, change);
      if (problem === undefined) return;
      log.warn({ event: 'history', reason: problem }, 'the history is changed without its lock');
    },
    loadHistory: async () => {
      const loaded = await loadHistory(directory, clock);
      if (loaded.kind === 'Found') return loaded.history;
      const reason = loaded.kind === 'Missing' ? 'this is the first run on this node' : loaded.reason;
      const level = loaded.kind === 'Missing' ? 'info' : 'warn';
      log[level]({ event: 'history', reason }, 'every image counts as old enough, and none as long unused');
      return undefined;
    },
    monotonicMs: () => performance.now(),
    sleep: rest,
    throttle: createThrottle({
      readPressure,
      sleep: rest,
      now: () => performance.now(),
      onRest: (rested) => log.info({ event: 'rest', ...rested }, 'gave way to others on this node'),
    }),
  };
}
