import { createCrictl } from './crictl/crictl.ts';
import type { Runtime } from './runtime.ts';

export type ConnectOptions = {
  /** Path or name of crictl. */
  readonly crictl: string;
  /** Of the node's runtime; crictl looks for one by itself where it is missing. */
  readonly endpoint?: string | undefined;
  /** Ends calls of crictl that only read. */
  readonly signal?: AbortSignal;
};

/** `docker.sock`, and not `cri-dockerd.sock`, which speaks CRI. */
const dockerSocket = /(?:^|\/)docker\.sock$/;

/** Connects to a node's runtime: to Docker Engine by its own API where the endpoint is its socket, else by crictl. */
export async function connectRuntime({ crictl, endpoint, signal }: ConnectOptions): Promise<Runtime> {
  if (endpoint !== undefined && dockerSocket.test(endpoint)) {
    // Its client takes longer to load than the rest of the cleaner.
    const { createDocker } = await import('./docker/docker.ts');
    return createDocker({ socket: endpoint.replace(/^unix:\/\//, '') });
  }
  return createCrictl({ executable: crictl, ...(endpoint && { endpoint }), ...(signal && { signal }) });
}
