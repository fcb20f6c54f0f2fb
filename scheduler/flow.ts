import { AsyncLocalStorage } from 'node:async_hooks';

const flows = new AsyncLocalStorage<string>();

/** The work in progress that belongs together, for example a policy's; the empty text where it is for nobody in particular. */
export function currentFlow(): string {
  return flows.getStore() ?? '';
}

/** Does work as a part of a flow, with everything it begins: requests to the API server are shared out among flows. */
export function inFlow<T>(flow: string, work: () => T): T {
  return flows.run(flow, work);
}
