/** The way to the runtime of a node. */
export type Endpoint = {
  /** Path or name of crictl. */
  readonly crictl: string;
  /** Of the node's runtime; crictl looks for one by itself where it is missing. */
  readonly endpoint?: string | undefined;
  /** The most time that a list may get; absent for the usual. */
  readonly maxReadSeconds?: number | undefined;
};

/** `docker.sock`, and not `cri-dockerd.sock`, which speaks CRI. */
const dockerSocket = /(?:^|\/)docker\.sock$/;

/** Reads the way to the runtime from the environment of a cleaner. */
export function readEndpoint(environment: NodeJS.ProcessEnv): Endpoint {
  const { CRICTL, CONTAINER_RUNTIME_ENDPOINT, NODESWEEP_RUNTIME_TIMEOUT_SECONDS = '' } = environment;
  return {
    crictl: CRICTL || 'crictl',
    endpoint: CONTAINER_RUNTIME_ENDPOINT || undefined,
    maxReadSeconds: /^[1-9]\d{0,5}$/.test(NODESWEEP_RUNTIME_TIMEOUT_SECONDS)
      ? Number(NODESWEEP_RUNTIME_TIMEOUT_SECONDS)
      : undefined,
  };
}

/** The path of the socket of Docker Engine; undefined for a runtime that crictl speaks to. */
export function dockerSocketOf({ endpoint }: Endpoint): string | undefined {
  return endpoint !== undefined && dockerSocket.test(endpoint) ? endpoint.replace(/^unix:\/\//, '') : undefined;
}
