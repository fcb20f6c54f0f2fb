import { giveWay } from './priority.ts';
import { readEndpoint } from './runtime/endpoint.ts';
import { beginFirstLists, type FirstLists } from './runtime/first-lists.ts';
import { type OnSignal, stopAtSignal } from './stop.ts';

/** The parts of a run that start before the code of the cleaner is loaded. */
export type EarlyStart = {
  /** Aborted with a StopRequest when the cleaner must end: it finishes the current batch and starts no other. */
  readonly stop: AbortController;
  /** The first lists, which crictl already reads; undefined for Docker Engine. */
  readonly firstLists?: FirstLists | undefined;
};

/** Listens for signals, lowers the priority of the process, and begins to read the lists that every run needs first. */
export function startEarly(environment: NodeJS.ProcessEnv, onSignal: OnSignal): EarlyStart {
  const stop = stopAtSignal(onSignal);
  giveWay();
  return { stop, firstLists: beginFirstLists(readEndpoint(environment)) };
}
