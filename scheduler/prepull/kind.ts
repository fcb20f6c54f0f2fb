import { judgeCleanable } from '../cleanup/cleanable-nodes.ts';
import type { Policy } from '../policy/policy.ts';
import type { RunKind } from '../run/kind.ts';
import { judgeByLists } from './eligible-nodes.ts';
import { isHeld, isTakenOver } from './held.ts';
import { imageLosses } from './losses.ts';
import { type PrepullPolicy, prepullSchema } from './policy.ts';
import { judgePresence } from './presence.ts';
import { listKeeping } from './protected.ts';
import { decodeMemory, encodeMemory } from './puller/memory.ts';
import { buildPod } from './puller/pod.ts';
import { podResult, pullerEnding } from './puller/pod-result.ts';
import { registriesOf } from './registries.ts';
import { purgeInForce, updateLedger, whenGone } from './removal/account.ts';
import { dueOn, removesNext } from './removal/due.ts';
import { isServed } from './served.ts';
import { startupRules } from './startup.ts';
import { addTallies, decodeTally, describeTotals, encodeTally, type PrepullTotals, type Tally } from './tally.ts';
import { warningsOf } from './warnings.ts';

/** Runs that bring the images of lists to nodes, with one puller after the other on each node. */
export const prepull: RunKind<PrepullTotals> = {
  name: 'prepull',
  schema: prepullSchema,
  minimalDocument: { schedule: '@yearly', lists: [{ name: 'unreadable', images: ['registry.invalid/unreadable:1'] }] },
  words: { worker: 'puller', done: 'supplied' },
  warningsOf,
  keeping: listKeeping,
  removesImages: false,
  losses: imageLosses,
  startup: startupRules,
  ledger: {
    update: updateLedger,
    dueOn,
    whenGone,
    purgeInForce,
    judgeNode: (node, { nodes }) => judgeCleanable(node, nodes),
    takesAway: removesNext,
  },
  judgeNode: judgeByLists,
  resourcesOf: registriesOf,
  isHeld,
  isTakenOver,
  servesNewNodes: ({ newNodes }: PrepullPolicy) => newNodes,
  isServed,
  resultOf: podResult,
  endingOf: pullerEnding,
  encodeMemory,
  decodeMemory,
  encodeTally,
  decodeTally,
  presenceOf: judgePresence,
  totalsOf: addTallies,
  hasEffect: (tallies: readonly Tally[]) => addTallies(tallies).images.present > 0,
  describeEffect: (_, totals) => describeTotals(totals),
  needsWorkloadReferences: () => false,
  // The spec of a puller has all that it needs.
  jobOf: () => ({}),
  packJob: async () => [],
  jobMapNames: () => [],
  buildPod,
};

/** True for a policy of image lists. */
export function isPrepull<T extends { kind: RunKind; policy: Policy }>(
  parsed: T,
): parsed is T & { policy: PrepullPolicy } {
  return parsed.kind.name === prepull.name;
}
