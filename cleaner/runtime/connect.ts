import type { CrictlOptions } from './crictl/call.ts';
import { createCrictl } from './crictl/crictl.ts';
import type { RunCrictl } from './crictl/process.ts';
import { dockerSocketOf, type Endpoint } from './endpoint.ts';
import type { Runtime } from './runtime.ts';

export type ConnectOptions = Endpoint &
  Pick<CrictlOptions, 'signal'> & {
    /** The way to call crictl, where there is another than to start it. */
    readonly run?: RunCrictl | undefined;
  };

/** Connects to a node's runtime: to Docker Engine by its own API where the endpoint is its socket, else by crictl. */
export async function connectRuntime(options: ConnectOptions): Promise<Runtime> {
  const socket = dockerSocketOf(options);
  if (socket !== undefined) {
    // Its client takes longer to load than the rest of the cleaner.
    const { createDocker } = await import('./docker/docker.ts');
    return createDocker({ socket, maxReadSeconds: options.maxReadSeconds });
  }
  const { crictl, endpoint, maxReadSeconds, signal, run } = options;
  return createCrictl({ executable: crictl, endpoint, maxReadSeconds, ...(signal && { signal }) }, run);
}
