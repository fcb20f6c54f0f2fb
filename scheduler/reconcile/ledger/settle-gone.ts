import type { StoredLedger } from '../../cluster.ts';
import type { PolicyObject } from '../../objects.ts';
import { earliest } from '../../policy/instants.ts';
import type { ValidPolicy } from '../../policy/parse.ts';
import type { RunKind } from '../../run/kind.ts';
import { advanceRuns } from '../advance.ts';
import { attempt, wakeTimeOf } from '../attempt.ts';
import { type PolicyPass, retryTime } from '../context.ts';
import { expireRuns } from '../expire-runs.ts';
import { startRun } from '../start-run.ts';
import { keepLedger } from './keep-ledger.ts';
import { nextPurge } from './next-purge.ts';

/**
 * The time for which a policy must be gone. If it was deleted, the garbage collector deletes its pods meanwhile, which hold the
 * images; if the label was removed by mistake, the user may set it again.
 */
const graceMs = 30_000;
const lookAgainMs = 60_000;

type GonePass = Omit<PolicyPass, 'object' | 'parsed'>;

/** The steps for a policy that is gone. */
const steps = {
  look: { what: 'take away what the deleted policy has left on nodes', condition: 'Ready' },
  start: { what: 'start the run that takes it away', condition: 'Ready' },
} as const;

/** Does with what a deleted policy has left on nodes what the policy said, and then deletes its ledger. Never rejects. */
export async function settleGone(pass: GonePass, name: string): Promise<Date | undefined> {
  const { journal, now } = pass;
  const ledger = pass.state.ledgers?.get(name);
  if (ledger === undefined) return undefined;
  const since = journal.goneSince.get(ledger.policyUid) ?? now;
  journal.goneSince.set(ledger.policyUid, since);
  const dueAt = new Date(since.getTime() + graceMs);
  if (dueAt > now) return dueAt;
  const nobody = passFor(pass, ledger, undefined);
  return wakeTimeOf(await attempt(nobody, steps.look, () => settle(pass, ledger)));
}

async function settle(pass: GonePass, ledger: StoredLedger): Promise<Date | undefined> {
  const { cluster, now, kinds } = pass;
  // The watch may be late, or the policy may have lost only its label: then it is not deleted.
  if (await cluster.hasPolicy(ledger.policy)) return new Date(now.getTime() + lookAgainMs);
  const kind = kinds.find(({ name }) => name === ledger.kind);
  const left = kind?.ledger?.whenGone(ledger.data);
  if (kind === undefined || left === undefined) return undefined;
  const wakeAt =
    left.verdict === 'TakeAway'
      ? await takeAway(passFor(pass, ledger, { valid: true, kind, ...left }), kind, ledger)
      : undefined;
  const current = cluster.state().ledgers?.get(ledger.policy);
  if (current === undefined || kind.ledger?.whenGone(current.data).verdict !== 'Forget')
    return wakeAt ?? new Date(now.getTime() + lookAgainMs);
  await cluster.deleteLedger(current);
  return undefined;
}

/** Runs until nothing is on account any more. What is in use is tried again at the scheduled times of the policy. */
async function takeAway(pass: PolicyPass, kind: RunKind, { policyUid }: StoredLedger): Promise<Date | undefined> {
  const { parsed, journal, state } = pass;
  if (!parsed.valid) return undefined;
  journal.observe({
    policies: [pass.object],
    runs: state.runs.filter(({ value }) => value.policy === pass.object.name),
  });
  if (!(await keepLedger(pass))) return retryTime(pass);
  const next = nextPurge(pass, { kind, policy: parsed.policy }, `policy ${policyUid} was deleted`);
  if (next.trigger !== undefined) {
    const { trigger } = next;
    await attempt(pass, steps.start, () => startRun(pass, trigger));
  }
  const advanceAt = await advanceRuns(pass);
  const expireAt = await expireRuns(pass, {
    policyUid,
    observedVersion: '',
    valid: true,
    problems: [],
    scheduleSince: pass.now,
  });
  return earliest([next.at, advanceAt, expireAt]);
}

/** A pass over the deleted policy as it was last valid. Its ledger takes its place as the owner of runs. */
function passFor(
  pass: GonePass,
  { policy, uid, createdAt }: StoredLedger,
  parsed: ValidPolicy | undefined,
): PolicyPass {
  const object: PolicyObject = { name: policy, uid, resourceVersion: '0', createdAt, annotations: {}, data: {} };
  return { ...pass, object, parsed: parsed ?? { valid: false, problems: [], kinds: [] }, isGone: true };
}
