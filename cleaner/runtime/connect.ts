import type { CrictlOptions } from './crictl/call.ts';
import { createCrictl } from './crictl/crictl.ts';
import type { RunCrictl } from './crictl/process.ts';
import { dockerSocketOf, type Endpoint } from './endpoint.ts';
import type { Runtime } from './runtime.ts';

export type ConnectOptions = Endpoint &
  Pick<CrictlOptions, 'signal'> & {
    /** Calls crictl; by default it starts the executable. */
    readonly run?: RunCrictl | undefined;
  };

/** Connects to the runtime of a node: to Docker Engine by its API if the endpoint is its socket, otherwise by crictl. */
export async function connectRuntime(options: ConnectOptions): Promise<Runtime> {
  const socket = dockerSocketOf(options);
  if (socket !== undefined) {
    // Imported on demand, because its client takes longer to load than the rest of the cleaner.
    const { createDocker } = await import('./docker/docker.ts');
    return createDocker({ socket, maxReadSeconds: options.maxReadSeconds });
  }
  const { crictl, endpoint, maxReadSeconds, signal, run } = options;
  return createCrictl({ executable: crictl, endpoint, maxReadSeconds, ...(signal && { signal }) }, run);
}
