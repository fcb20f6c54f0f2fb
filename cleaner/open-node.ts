import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { measureImageDisk } from './filesystem.ts';
import { readClock } from './history/clock.ts';
import { type HistoryRemark, openHistory } from './history/run-history.ts';
import { openHistoryStore } from './history/store.ts';
import { readPressure } from './removal/pressure-file.ts';
import { createThrottle } from './removal/throttle.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { NodeAccess } from './sweep.ts';

/** The place of the history unless a directory is given. */
export const usualState = '/var/lib/nodesweep';

export type NodeOptions = {
  /** The state directory. */
  readonly state: string | undefined;
  /** Its path on the node, if the cleaner runs in a pod. */
  readonly stateOnNode: string | undefined;
  readonly ownReferences: readonly string[];
  readonly runtime: Pick<Runtime, 'getImageFilesystems'>;
};

/** Opens this machine for a run. Logs unusual facts. */
export function openNode({ state, stateOnNode, ownReferences, runtime }: NodeOptions, log: Logger): NodeAccess {
  const directory = state ?? usualState;
  // The place of the images does not change during a run. Its usage is measured each time.
  const getImageFilesystems = askOnce(() => runtime.getImageFilesystems());
  const rest = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined);
  return {
    ownReferences,
    measureDisk: () => measureImageDisk({ getImageFilesystems }, { directory: state, pathOnNode: stateOnNode }),
    openHistory: (onRemark) => {
      const onUnlocked = (problem: string) =>
        log.warn({ event: 'history', reason: problem }, 'the history is changed without its lock');
      return openHistory(openHistoryStore({ directory, readClock, onUnlocked }), (remark) => {
        logRemark(log, remark);
        onRemark(remark);
      });
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

/** Keeps the first answer. After an error it asks again. */
function askOnce<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: T | undefined;
  return async () => {
    answer ??= await ask();
    return answer;
  };
}

function logRemark(log: Logger, { reason, message }: HistoryRemark): void {
  log[reason === 'FirstRun' ? 'info' : 'warn']({ event: 'history', reason }, message);
}
