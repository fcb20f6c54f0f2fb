import { judgeCleanable } from '../../cleanup/cleanable-nodes.ts';
import type { Node } from '../../objects.ts';
import type { DueQuestion, LedgerData } from '../../run/ledger.ts';
import { asReady } from '../../run/rollout/eligibility.ts';
import type { Run } from '../../run/run.ts';
import type { PrepullPolicy } from '../policy.ts';
import { memoryOf, type NodeMemory } from '../puller/memory.ts';
import { leftOn } from '../puller/next-images.ts';
import { type WantedImage, wantedOn } from '../wanted.ts';
import { isOtherMachine, isWorthTrying, toRemove } from './applied.ts';
import { decodeLedger, policyOf } from './ledger.ts';
import { machineOf } from './machine.ts';
import { mayBeCurrent } from './versions.ts';

/**
 * The images that a run removes from a node: those that the policy has put there, and that no list of any policy wants there
 * now. The lists with which the run began count too, because it may still pull their images. What a tag meant before is removed
 * once the run has found that the tag has moved. What nodes have kept for a reason that lasts is tried again with others, but is no
 * reason to visit a node.
 */
export function dueOn(data: LedgerData, { run, node, memory, kept, now }: DueQuestion): readonly string[] {
  const ledger = decodeLedger(data);
  const applied = ledger.applied.get(node.name);
  if (applied === undefined || isOtherMachine(applied, machineOf(node))) return [];
  const policy = run.spec as PrepullPolicy;
  if (run.trigger.type === 'Purge') return toRemove(ledger.applied, node.name, kept(), 'Delete');
  // After an edit during the run, the policy that leaves more decides.
  const isLeft = policy.removalPolicy === 'Retain' || policyOf(ledger)?.removalPolicy !== 'Delete';
  const own = wantedOn(node, policy);
  const wanted = [...kept(), ...own.map(({ reference }) => reference)];
  const unwanted = toRemove(ledger.applied, node.name, wanted, isLeft ? 'Retain' : 'Delete');
  const versions = new Set(applied.versions);
  const { states } = memoryOf(memory);
  const due = unwanted.filter((reference) => !versions.has(reference) || !mayBeCurrent(reference, own, states));
  return isWorthTrying(applied, due, now) ? due : [];
}

/**
 * True if a run may remove images from a node after its pullers. While the registry of an image that is pulled at each refresh can't
 * be reached, nothing is removed. The image may be there, held only by an older pod, which must stay.
 */
export function canRemove(node: Node, policy: PrepullPolicy, { states, over }: NodeMemory): boolean {
  const isLost = ({ index, pullPolicy }: WantedImage) => {
    const state = states.get(index);
    if (pullPolicy !== 'Always' || !over.includes(index) || state?.state === 'Present') return false;
    return state?.state !== 'Failed' || state.isAbsent !== true;
  };
  return judgeCleanable(asReady(node), policy.nodes).verdict === 'Eligible' && !wantedOn(node, policy).some(isLost);
}

/** True if the next pod on the node removes images: all images of the node are pulled or have failed. */
export function removesNext({ spec, trigger }: Run, node: Node, known: unknown): boolean {
  const memory = memoryOf(known);
  if (memory.removing !== undefined || trigger.type === 'Purge') return true;
  return memory.holding === undefined && leftOn(node, spec as PrepullPolicy, memory).length === 0;
}
