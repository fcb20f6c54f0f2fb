import { annotation } from '../../../contract/labels.ts';
import type { ClusterState, StoredLedger } from '../../cluster.ts';
import type { Node, PolicyObject } from '../../objects.ts';
import { type LedgerEntry, LedgerError, type LedgerRules } from '../../run/ledger.ts';
import type { Run } from '../../run/run.ts';
import { noteTrouble } from '../attempt.ts';
import type { PolicyPass } from '../context.ts';

const step = { what: 'keep account of what is on the nodes', condition: 'Ready' } as const;

/** Takes over an edit of the policy, and the results of its ended runs. Returns false if the ledger must be read again. */
export async function keepLedger(pass: PolicyPass): Promise<boolean> {
  const { parsed, state, object } = pass;
  const stored = state.ledgers?.get(object.name);
  if (!parsed.valid || parsed.kind.ledger === undefined) return true;
  // Without an account there is nothing to take over but a purge: later, the policy must pull nothing.
  const isOfKind = stored === undefined ? annotation.purgeAt in object.annotations : stored.kind === parsed.kind.name;
  return !isOfKind || write(pass, parsed.kind.name, parsed.kind.ledger);
}

/**
 * Writes to the ledger what the next pods of a run will leave on nodes. Returns false if the pods must not be created yet,
 * because another process has changed the ledger.
 */
export async function noteStart(pass: PolicyPass, run: Run, start: readonly Node[]): Promise<boolean> {
  const { ledger, name } = run.kind;
  if (ledger === undefined || start.length === 0) return true;
  if (!isNews(pass, name, ledger, { run, nodes: start })) return true;
  // One write for all nodes of the run, not one for each wave.
  const nodes = pass.state.nodes.filter((node) => isOpen(run, node) || start.includes(node));
  return write(pass, name, ledger, { run, nodes });
}

function isOpen({ nodes }: Run, { name }: Node): boolean {
  const progress = nodes.get(name);
  return progress !== undefined && progress.state !== 'Settled';
}

type Starting = LedgerEntry['starting'];

/** True if the nodes add something to the ledger, or if that can't be told. */
function isNews(pass: PolicyPass, kind: string, rules: LedgerRules, starting: Starting): boolean {
  const before = pass.cluster.state().ledgers?.get(pass.object.name);
  try {
    return rules.update(ofKind(before, kind)?.data, entryOf(pass, before, starting)) !== undefined;
  } catch {
    return true;
  }
}

async function write(pass: PolicyPass, kind: string, rules: LedgerRules, starting?: Starting): Promise<boolean> {
  const { cluster, object } = pass;
  const { name: policy } = object;
  const before = cluster.state().ledgers?.get(policy);
  const policyUid = (pass.isGone && before?.policyUid) || object.uid;
  try {
    const data = rules.update(ofKind(before, kind)?.data, entryOf(pass, before, starting));
    pass.journal.troubles.clear(object.uid, step);
    return data === undefined || (await cluster.writeLedger({ policy, policyUid, kind, data }, before));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    // Runs go on without the account, and take nothing away.
    await noteTrouble(pass, step, error);
    return true;
  }
}

/** True if the value of `nodesweep.io/run-at` has started no run. */
function isRequested({ name, annotations }: PolicyObject, { statuses }: ClusterState): boolean {
  const request = annotations[annotation.runAt];
  return request !== undefined && request !== statuses.get(name)?.value?.lastRequest;
}

function ofKind(ledger: StoredLedger | undefined, kind: string): StoredLedger | undefined {
  return ledger?.kind === kind ? ledger : undefined;
}

function entryOf(
  { parsed, object, journal, state, now, isGone }: PolicyPass,
  before: StoredLedger | undefined,
  starting: Starting,
): LedgerEntry {
  return {
    policy: parsed.valid ? parsed : undefined,
    isGone,
    purgeAt: object.annotations[annotation.purgeAt],
    isRequested: isRequested(object, state),
    isOfEarlierPolicy: isGone !== true && before !== undefined && before.policyUid !== object.uid,
    runs: journal.runs.of(object.name),
    starting,
    nodes: state.nodes,
    now,
  };
}
