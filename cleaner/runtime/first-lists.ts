import { lists, prepareReading } from './crictl/call.ts';
import { type RunCrictl, runCrictl } from './crictl/process.ts';
import { dockerSocketOf, type Endpoint } from './endpoint.ts';

/** The first calls of crictl in a run, which may already be in progress. */
export type FirstLists = {
  /** Makes a call of crictl. The first request for one of the lists gets the answer that is already on its way. */
  readonly run: RunCrictl;
  /** Ends the calls whose answer was not requested. */
  end(): void;
};

/**
 * Begins to read the lists of images, containers and filesystems while the code for them is still being loaded. Each answer
 * is used once, and a second request reads anew. Undefined for Docker Engine, which crictl does not call.
 */
export function beginFirstLists(endpoint: Endpoint, run: RunCrictl = runCrictl): FirstLists | undefined {
  if (dockerSocketOf(endpoint) !== undefined) return undefined;
  const over = new AbortController();
  const { crictl: executable, ...limits } = endpoint;
  const call = { ...prepareReading({ executable, ...limits }), signal: over.signal };
  const begun = new Map(Object.values(lists).map((args) => [args.join(' '), run(call, args)]));
  return {
    run: (later, args) => {
      const key = args.join(' ');
      const answer = begun.get(key);
      begun.delete(key);
      return answer ?? run(later, args);
    },
    end: () => over.abort(),
  };
}
