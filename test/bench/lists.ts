import { buildLedger, buildRecord } from '../../scheduler/kubernetes/objects.ts';
import { prepull } from '../../scheduler/prepull/kind.ts';
import type { PrepullDocument, PrepullPolicy } from '../../scheduler/prepull/policy.ts';
import { prepullSchema } from '../../scheduler/prepull/policy.ts';
import { buildPuller } from '../../scheduler/prepull/puller/pod.ts';
import { encodeLedger } from '../../scheduler/prepull/removal/ledger.ts';
import { imagesOf } from '../../scheduler/prepull/wanted.ts';
import { settled } from '../../scheduler/run/progress.ts';
import { newRun, type Run } from '../../scheduler/run/run.ts';
import type { BareApi } from '../cluster/api.ts';
import { NAMESPACE } from '../cluster/kwok.ts';
import { buildNode, tried } from '../helpers/builders.ts';
import { CONFIG_MAPS, createPolicy, template } from './fan-out.ts';

/** A document with one list, whose images no other policy has if `team` is its own. */
export function listDocument(count: number, document: Partial<PrepullDocument>, team = 'team'): PrepullDocument {
  const images = Array.from({ length: count }, (_, index) => `registry.test/${team}/service-${index}:1.${index}`);
  const rollout = { parallelism: '100%', perRegistry: 1_000_000 };
  // When the policy is deleted, no run removes its images.
  const removalPolicy = 'Retain';
  return { schedule: '@yearly', lists: [{ name: 'base', images }], removalPolicy, rollout, ...document };
}

/** Builds the puller of a run over the document, as the scheduler does. */
export function buildBarePuller(document: PrepullDocument) {
  const spec = prepullSchema.parse(document);
  return (node: string, run: string, runUid: string): object => {
    const order = { attempt: 0, references: { bound: [], prepulled: [] }, jobMaps: [] };
    return buildPuller({ ...order, run: buildListRun(run, document, spec), runUid }, buildNode(node), template);
  };
}

/** Creates a policy with the record of a run that has brought all images to all nodes. */
export async function createServedPolicy(
  api: BareApi,
  name: string,
  document: PrepullDocument,
  nodes: readonly string[],
): Promise<{ readonly run: string; readonly uid: string }> {
  const owner = uidOf(await createPolicy(api, name, document, {}, 'prepull.yaml'));
  const run = buildServedRun(name, document, nodes);
  const record = buildRecord(NAMESPACE, { name, uid: owner }, run);
  const references = imagesOf(run.spec as PrepullPolicy);
  const applied = new Map(nodes.map((node) => [node, { references }]));
  const ledger = { policy: name, policyUid: owner, kind: prepull.name, data: encodeLedger({ document, applied }) };
  await api.call('POST', CONFIG_MAPS, buildLedger(NAMESPACE, ledger));
  return { run: run.name, uid: uidOf(await api.call('POST', CONFIG_MAPS, record)) };
}

function buildServedRun(policy: string, document: PrepullDocument, nodes: readonly string[]): Run {
  const spec = prepullSchema.parse(document);
  const now = new Date();
  const planned = newRun({ kind: prepull, policy, trigger: { type: 'Nodes', after: now }, document, spec }, now);
  const digest = `sha256:${'1f'.repeat(32)}`;
  const images = new Map(imagesOf(spec).map((_, index) => [index, { state: 'Present', digest } as const]));
  const result = settled(tried(1), 'Succeeded', { tally: { images } });
  return {
    ...planned,
    phase: 'Succeeded',
    reason: 'Completed',
    message: `${nodes.length} of ${nodes.length} nodes supplied`,
    finishedAt: now,
    nodes: new Map(nodes.map((node) => [node, result])),
  };
}

function buildListRun(name: string, document: PrepullDocument, spec: PrepullPolicy): Run & { spec: PrepullPolicy } {
  const trigger = { type: 'Request', request: 'now' } as const;
  return { ...newRun({ kind: prepull, policy: name, trigger, document, spec }, new Date()), name, spec };
}

function uidOf({ text }: { readonly text: string }): string {
  return JSON.parse(text).metadata.uid;
}
