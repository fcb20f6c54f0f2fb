/** A runtime answers within a second, also on a busy node. After this time a line tells that it has not. */
export const patienceMs = 3_000;

/** Tells after some seconds that the runtime has not answered. Returns a function that ends the wait. */
export function tellWait(
  environment: NodeJS.ProcessEnv,
  write: (line: string) => void,
  afterMs = patienceMs,
): () => void {
  const endpoint = environment.CONTAINER_RUNTIME_ENDPOINT || 'the default endpoint of crictl';
  const timer = setTimeout(() => {
    write(
      `still waiting for the runtime (${endpoint}); it may be busy, or hang. Its lists are given up after NODESWEEP_RUNTIME_TIMEOUT_SECONDS (120 by default)`,
    );
  }, afterMs);
  timer.unref();
  return () => clearTimeout(timer);
}
