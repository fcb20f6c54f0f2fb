import { lists, prepareReading } from './crictl/call.ts';
import { type RunCrictl, runCrictl } from './crictl/process.ts';
import { dockerSocketOf, type Endpoint } from './endpoint.ts';

/** The calls of crictl that a run begins with, which may be under way already. */
export type FirstLook = {
  /** Makes a call of crictl. The first who makes one of those calls gets the answer that was asked for ahead of time. */
  readonly run: RunCrictl;
  /** Ends what nobody has waited for. */
  end(): void;
};

/**
 * Begins to read the lists of images, containers and filesystems, while the code that understands them is still being
 * loaded. Each answer serves once: whoever asks again looks anew. Undefined for Docker Engine, which is not asked by crictl.
 */
export function beginFirstLook(endpoint: Endpoint, run: RunCrictl = runCrictl): FirstLook | undefined {
  if (dockerSocketOf(endpoint) !== undefined) return undefined;
  const over = new AbortController();
  const call = { ...prepareReading({ executable: endpoint.crictl, endpoint: endpoint.endpoint }), signal: over.signal };
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
