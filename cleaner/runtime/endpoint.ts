/** The command and the address for calls of a node's runtime. */
export type Endpoint = {
  /** Path or name of crictl. */
  readonly crictl: string;
  /** The socket of the runtime; without it crictl searches for one. */
  readonly endpoint?: string | undefined;
  /** The longest deadline of a list in seconds; absent for the default. */
  readonly maxReadSeconds?: number | undefined;
};

/** `docker.sock`, and not `cri-dockerd.sock`, which speaks CRI. */
const dockerSocket = /(?:^|\/)docker\.sock$/;

/** Reads the endpoint from the environment of a cleaner. */
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

/** The path of the socket of Docker Engine; undefined for a runtime that crictl calls. */
export function dockerSocketOf({ endpoint }: Endpoint): string | undefined {
  return endpoint !== undefined && dockerSocket.test(endpoint) ? endpoint.replace(/^unix:\/\//, '') : undefined;
}
