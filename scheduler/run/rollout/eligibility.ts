import type { Node } from '../../objects.ts';
import { isStartupTaint } from '../../pods/startup-taint.ts';
import { tolerates } from '../../pods/tolerations.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Trigger } from '../../policy/trigger.ts';
import type { Run } from '../run.ts';

export type NodeSelection = Policy['nodes'];
/** The part of a selection that is about the labels of nodes. */
export type Selector = Pick<NodeSelection, 'matchLabels' | 'matchExpressions'>;

export type Eligibility =
  /** With `isOnlyDue`, the policy does not select the node: the run only takes away what earlier runs have left there. */
  | { readonly verdict: 'Eligible'; readonly isOnlyDue?: true }
  /** The policy does not select the node, so it does not belong to the run. */
  | { readonly verdict: 'NotSelected' }
  /** The policy selects the node, but the node can get no pod now. The run reports it. */
  | { readonly verdict: 'Ineligible'; readonly reason: string; readonly message: string };

/** The facts about nodes that are in no node. */
export interface NodeLists {
  /** For a run over new nodes: the nodes that no other run has served. */
  readonly newNodes?: ReadonlySet<string> | undefined;
  /** The references of the images that a run must take away from a node, by its progress there, or by a newer memory. */
  readonly dueOn?: ((node: Node, memory?: unknown) => readonly string[]) | undefined;
}

/**
 * Decides if a run with this trigger gets a pod on a node now. A run under disk pressure uses only nodes under disk
 * pressure, and a run over new nodes only `newNodes`. Any other run also visits nodes that the policy does not select any
 * more, to take away what earlier runs have left there.
 */
export function eligibilityFor(
  { kind, spec, trigger }: Pick<Run, 'kind' | 'spec'> & { readonly trigger: Pick<Trigger, 'type'> },
  node: Node,
  { newNodes, dueOn }: NodeLists = {},
): Eligibility {
  if (trigger.type === 'Pressure' && node.diskPressure !== true) return { verdict: 'NotSelected' };
  if (trigger.type === 'Nodes' && newNodes?.has(node.name) !== true) return { verdict: 'NotSelected' };
  const eligibility = trigger.type === 'Purge' ? notSelected : kind.judgeNode(node, spec);
  if (eligibility.verdict !== 'NotSelected' || trigger.type === 'Nodes' || kind.ledger === undefined)
    return eligibility;
  if (dueOn === undefined || dueOn(node).length === 0) return eligibility;
  const reachable = kind.ledger.judgeNode(node, spec);
  return reachable.verdict === 'Eligible' ? { verdict: 'Eligible', isOnlyDue: true } : reachable;
}

const notSelected: Eligibility = { verdict: 'NotSelected' };

/** A constraint on a node: undefined if the node meets it, else the reason and its explanation. */
type Constraint = (node: Node, selection: NodeSelection) => { reason: string; message: string } | undefined;

const constraints: readonly Constraint[] = [isLinux, isRealNode, isReady, isSchedulable, isTolerated];

/** Reasons in the nature of a node: no run can work on it, and the user need not act. */
export const permanentReasons: ReadonlySet<string> = new Set(['UnsupportedOperatingSystem', 'NodeUnsupported']);

/** Decides if a pod of any kind can be placed on a node now, by the fields about nodes that all kinds of policies share. */
export function judgeNode(node: Node, selection: NodeSelection): Eligibility {
  if (!isSelected(node, selection)) return { verdict: 'NotSelected' };
  for (const constraint of constraints) {
    const refusal = constraint(node, selection);
    if (refusal !== undefined) return { verdict: 'Ineligible', ...refusal };
  }
  return { verdict: 'Eligible' };
}

/** True if the labels of a node match a selection. Taints and the state of the node do not count. */
export function isSelected({ labels }: Pick<Node, 'labels'>, selection: Selector): boolean {
  return (
    Object.entries(selection.matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    selection.matchExpressions.every(({ key, operator, values }) => {
      const value = labelOf(labels, key);
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return operator satisfies never;
      }
    })
  );
}

/** Reads own properties only: a key may be the name of an inherited property, such as `constructor`. */
function labelOf(labels: Node['labels'], key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function isLinux({ labels, operatingSystem }: Node) {
  const system = labels['kubernetes.io/os'] ?? operatingSystem ?? 'linux';
  return system === 'linux' ? undefined : { reason: 'UnsupportedOperatingSystem', message: `the node runs ${system}` };
}

/** Labels of nodes that are not machines: their pods run elsewhere, and share no runtime and no directory. */
const virtualNodeLabels = [
  ['eks.amazonaws.com/compute-type', 'fargate', 'an AWS Fargate node'],
  ['type', 'virtual-kubelet', 'a virtual node'],
  ['node.kubernetes.io/instance-type', 'eklet', 'a virtual node of Tencent Cloud'],
  ['liqo.io/type', 'virtual-node', 'a virtual node of Liqo'],
] as const;

/** Taints that Virtual Kubelet and EKS set on their nodes. */
const virtualNodeTaints: ReadonlySet<string> = new Set([
  'virtual-kubelet.io/provider',
  'eks.amazonaws.com/compute-type',
]);

function isRealNode({ labels, taints }: Node) {
  const [, , kind] = virtualNodeLabels.find(([key, value]) => labels[key] === value) ?? [];
  const taint = taints.find(({ key }) => virtualNodeTaints.has(key));
  const found = kind ?? (taint && `a virtual node (taint ${taint.key}=${taint.value ?? ''})`);
  if (found === undefined) return undefined;
  return { reason: 'NodeUnsupported', message: `it is ${found}, which has no runtime that a pod can reach` };
}

function isSchedulable(node: Node, selection: NodeSelection) {
  if (!node.unschedulable || selection.includeUnschedulable) return undefined;
  return { reason: 'Unschedulable', message: 'the node is cordoned, and the policy leaves such nodes out' };
}

/** PreferNoSchedule keeps no pod away, as for the Kubernetes scheduler. The startup taint waits for the pods of runs. */
function isTolerated(node: Node, selection: NodeSelection) {
  const taint = node.taints.find(
    (candidate) =>
      candidate.effect !== 'PreferNoSchedule' &&
      !ignoredTaints.has(candidate.key) &&
      !isStartupTaint(candidate) &&
      !tolerates(selection.tolerations, candidate),
  );
  if (taint === undefined) return undefined;
  if (notReadyTaints.has(taint.key)) return notReady;
  return {
    reason: 'UntoleratedTaint',
    message: `the node has the taint ${taint.key}:${taint.effect}, which the policy does not tolerate`,
  };
}

/** The reason for a node that is not ready. It mostly becomes ready again by itself, after a restart. */
export const notReady = { reason: 'NotReady', message: 'the node is not ready' } as const;

/** The cause for a node that was in the cluster when its run began. */
export const nodeRemoved = { reason: 'NodeRemoved', message: 'the node has left the cluster' } as const;

/** Kubernetes removes these taints shortly after the node becomes ready. */
const notReadyTaints: ReadonlySet<string> = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);

/** The node as it is when it has become ready again. */
export function asReady(node: Node): Node {
  return { ...node, ready: true, taints: node.taints.filter(({ key }) => !notReadyTaints.has(key)) };
}

function isReady(node: Node) {
  return node.ready ? undefined : notReady;
}

/**
 * A cordoned node has a taint too, but `includeUnschedulable` decides on it. Cleaners must run on a node under disk
 * pressure; the pods of a DaemonSet always tolerate that taint too.
 */
const ignoredTaints: ReadonlySet<string> = new Set([
  'node.kubernetes.io/unschedulable',
  'node.kubernetes.io/disk-pressure',
]);
