import { hash } from '../../../contract/labels.ts';
import type { ReferenceOutcome } from '../../../contract/reference-outcomes.ts';
import type { Node } from '../../objects.ts';
import type { Policy } from '../../policy/policy.ts';
import type { LedgerData, LedgerEntry, WhenGone } from '../../run/ledger.ts';
import { isNodeReplaced, type LastResult, lastResults } from '../../run/results/last-results.ts';
import { asReady } from '../../run/rollout/eligibility.ts';
import { isFinished, type Run } from '../../run/run.ts';
import type { PrepullPolicy } from '../policy.ts';
import type { Tally } from '../tally.ts';
import { pullableOn, type WantedImage, wantedOn } from '../wanted.ts';
import {
  type Applied,
  type ByNode,
  withMachines,
  withOnlyWanted,
  withoutRemoved,
  withoutSetAside,
  withPresentNodes,
  withSetAside,
  withVersions,
  withWanted,
} from './applied.ts';
import { decodeLedger, encodeLedger, type ListLedger, policyOf } from './ledger.ts';
import { machineOf } from './machine.ts';
import { isGone, isKeptForLong, isUsed } from './removals.ts';
import { versionsIn } from './versions.ts';

/** The time for which an image that a node has kept for a reason that lasts is no reason to visit the node. */
const setAsideMs = 24 * 3_600_000;

/** The time after which the images of a node that has left the cluster are forgotten. */
const forgetAfterMs = 24 * 3_600_000;

/** The next version of a ledger; undefined if nothing is new. Throws a LedgerError if the version before can't be read. */
export function updateLedger(data: LedgerData | undefined, entry: LedgerEntry): LedgerData | undefined {
  const before = data && decodeLedger(data);
  const document = entry.policy?.document ?? before?.document ?? entry.starting?.run.document;
  const ledger = withDocument(before ?? { document, applied: new Map() }, document, entry);
  const next = withStart(withPurge(withResults(ledger, entry), entry), entry);
  const isNew = before === undefined ? next.applied.size > 0 || next.purge !== undefined : isChanged(before, next);
  return isNew ? encodeLedger(next) : undefined;
}

/** True if the next version has to be written. Where nodes did not fit, further nodes do not fit either. */
function isChanged(before: ListLedger, next: ListLedger): boolean {
  if (before === next) return false;
  const { document, settledUntil, purge, isCut } = before;
  const isSame = document === next.document && settledUntil === next.settledUntil && purge === next.purge;
  if (isCut !== true || !isSame) return true;
  return [...before.applied].some(([name, node]) => next.applied.get(name) !== node);
}

/** Takes over an edit. A policy that is gone has left its images for good if it said so, also if a new one has its name. */
function withDocument(ledger: ListLedger, document: unknown, { isOfEarlierPolicy }: LedgerEntry): ListLedger {
  if (!isOfEarlierPolicy)
    return JSON.stringify(document) === JSON.stringify(ledger.document)
      ? ledger
      : { ...ledger, document, applied: withoutSetAside(ledger.applied) };
  const isLeft = policyOf(ledger)?.removalPolicy !== 'Delete';
  return { document, applied: isLeft ? new Map() : ledger.applied };
}

/** Takes over a request to purge, once, and ends it when the lists change or a run is requested. */
function withPurge(ledger: ListLedger, { policy, purgeAt, isRequested }: LedgerEntry): ListLedger {
  if (policy === undefined) return ledger;
  const lists = hashOf(policy.policy as PrepullPolicy);
  const { purge } = ledger;
  if (purgeAt !== undefined && purgeAt !== purge?.request) return { ...ledger, purge: { request: purgeAt, lists } };
  if (purge?.lists === undefined || (purge.lists === lists && isRequested !== true)) return ledger;
  return { ...ledger, purge: { request: purge.request } };
}

/** The request of the purge that is in force. */
export function purgeInForce(data: LedgerData, policy: Policy): string | undefined {
  const { purge } = decodeLedger(data);
  return purge?.lists === hashOf(policy as PrepullPolicy) ? purge.request : undefined;
}

function hashOf({ lists }: PrepullPolicy): string {
  return hash(JSON.stringify(lists), 12);
}

/** Takes away what the runs that have ended since the last time have removed, and sets aside what nodes have kept. */
function withResults(ledger: ListLedger, { runs, isGone = false }: LedgerEntry): ListLedger {
  const goneIn = isGone ? overIn : removedIn;
  const { settledUntil, applied } = ledger;
  const ended = runs
    .filter((run) => isFinished(run) && (settledUntil === undefined || run.startedAt > settledUntil))
    .filter((run) => goneIn(run).size > 0 || keptIn(run).size > 0)
    .toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  const last = ended.at(-1);
  if (last === undefined) return ledger;
  const withResult = (before: Applied, run: Run) =>
    withSetAside(withoutRemoved(before, goneIn(run)), keptIn(run), tryAgainAt(run));
  return { ...ledger, settledUntil: last.startedAt, applied: ended.reduce(withResult, applied) };
}

function tryAgainAt({ startedAt, finishedAt = startedAt }: Run): Date {
  return new Date(finishedAt.getTime() + setAsideMs);
}

const knownKept = new WeakMap<Run, ByNode>();

/** The references that nodes have kept in a run for a reason that lasts. They are read once, not at each pass. */
function keptIn(run: Run): ByNode {
  const known = knownKept.get(run) ?? referencesIn(run, isKeptForLong);
  knownKept.set(run, known);
  return known;
}

const knownRemoved = new WeakMap<Run, ByNode>();

/** The references that are known to be gone from nodes after a run. They are read once, not at each pass. */
function removedIn(run: Run): ByNode {
  const known = knownRemoved.get(run) ?? referencesIn(run, isGone);
  knownRemoved.set(run, known);
  return known;
}

/** The references with which a policy that is deleted has no more to do: those that are gone, and those that must stay. */
function overIn(run: Run): ByNode {
  return referencesIn(run, (outcome) => isGone(outcome) || (outcome.kind === 'Kept' && !isUsed(outcome)));
}

function referencesIn(run: Run, isMeant: (outcome: ReferenceOutcome) => boolean): ByNode {
  return new Map(
    [...run.nodes].flatMap(([node, progress]): [string, readonly string[]][] => {
      const { removals } = (progress.state === 'Settled' ? (progress.tally as Tally | undefined) : undefined) ?? {};
      const references = [...(removals ?? [])]
        .filter(([, outcome]) => isMeant(outcome))
        .map(([reference]) => reference);
      return references.length === 0 ? [] : [[node, references]];
    }),
  );
}

/**
 * Adds what a run is about to pull, and what it is about to replace: the digests that its tags had until now. A policy that leaves
 * its images where they are keeps account only of what it wants.
 */
function withStart(ledger: ListLedger, { starting, nodes, now, isGone, runs }: LedgerEntry): ListLedger {
  if (starting === undefined && isGone !== true) return ledger;
  const machines = byNode(nodes, machineOf);
  const present = withPresentNodes(ledger.applied, machines, { now, forgetAfterMs });
  if (starting === undefined || starting.run.trigger.type === 'Purge')
    return present === ledger.applied ? ledger : { ...ledger, applied: present };
  const policy = starting.run.spec as PrepullPolicy;
  const pulled = byNode(starting.nodes, (node) => pullableOn(asReady(node), policy));
  const wanted = withWanted(present, new Map([...pulled].map(([node, images]) => [node, referencesOf(images)])));
  const isLeft = policyOf(ledger)?.removalPolicy === 'Retain';
  const started = isLeft
    ? withOnlyWanted(
        wanted,
        byNode(nodes, (node) => referencesOf(wantedOn(node, policy))),
      )
    : withVersions(
        wanted,
        byNode(starting.nodes, (node) => versionsIn(resultOn(node, runs), pulled.get(node.name) ?? [])),
      );
  const applied = withMachines(started, machines);
  return applied === ledger.applied ? ledger : { ...ledger, applied };
}

/** The newest result on a node. That of an earlier node of the same name does not count. */
function resultOn(node: Node, runs: readonly Run[]): LastResult | undefined {
  const last = lastResults(runs).get(node.name);
  return last !== undefined && isNodeReplaced(node, last) ? undefined : last;
}

function byNode<T>(nodes: readonly Node[], read: (node: Node) => T): ReadonlyMap<string, T> {
  return new Map(nodes.map((node) => [node.name, read(node)]));
}

function referencesOf(images: readonly WantedImage[]): readonly string[] {
  return images.map(({ reference }) => reference);
}

/** Removes the images of a policy that is deleted, unless it says otherwise, or what it said can't be read any more. */
export function whenGone(data: LedgerData): WhenGone {
  const ledger = decodeLedger(data);
  const policy = policyOf(ledger);
  if (policy?.removalPolicy !== 'Delete' || ledger.applied.size === 0) return { verdict: 'Forget' };
  return { verdict: 'TakeAway', document: ledger.document, policy };
}
