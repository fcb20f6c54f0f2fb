import { AsyncLocalStorage } from 'node:async_hooks';

const flows = new AsyncLocalStorage<string>();

/** The name of the current flow, for example of a policy; empty if the work belongs to no flow. */
export function currentFlow(): string {
  return flows.getStore() ?? '';
}

/** Does work, and all work that it starts, as a part of a flow. Flows take turns with their requests to the API server. */
export function inFlow<T>(flow: string, work: () => T): T {
  return flows.run(flow, work);
}
