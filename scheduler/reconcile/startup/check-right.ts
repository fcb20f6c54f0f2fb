import { attempt, wakeTimeOf } from '../attempt.ts';
import type { PolicyPass } from '../context.ts';

const step = { what: 'remove the startup taint from nodes', condition: 'Ready' } as const;

/** The cause of a missing right, with the next step. */
export const noRight =
  'the scheduler may not change nodes: apply manifests/overlays/startup-taint, or take startupTaint out of the policy';

/** The startup taint can't be removed from nodes. */
class StartupTaintError extends Error {
  override readonly name = 'StartupTaintError';
}

/**
 * Checks that a policy for which nodes wait with the startup taint can have it removed. An error shows in its status. Returns
 * when to check again.
 */
export async function checkRight(pass: PolicyPass): Promise<Date | undefined> {
  const { parsed, journal, object } = pass;
  const isAsked = parsed.valid && parsed.kind.startup?.timeoutSecondsOf(parsed.policy) !== undefined;
  if (isAsked) return wakeTimeOf(await attempt(pass, step, () => expectRight(pass)));
  journal.troubles.clear(object.uid, step);
  return undefined;
}

async function expectRight({ cluster, journals }: PolicyPass): Promise<undefined> {
  if (!(await cluster.mayRemoveStartupTaint())) throw new StartupTaintError(noRight);
  const [error, ...others] = journals.startup.errors();
  if (error === undefined) return undefined;
  throw new StartupTaintError(
    others.length === 0 ? error : `${error}; ${others.length} other nodes keep the taint too`,
  );
}
