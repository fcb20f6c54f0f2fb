import type { Report } from '../../contract/report.ts';
import { cleanup } from '../../scheduler/cleanup/kind.ts';
import { type CleanupDocument, type CleanupPolicy, cleanupSchema } from '../../scheduler/cleanup/policy.ts';
import type { Node, PolicyObject, RunPod } from '../../scheduler/objects.ts';
import { podName } from '../../scheduler/run/names.ts';
import type { Tries } from '../../scheduler/run/progress.ts';
import type { Run } from '../../scheduler/run/run.ts';

/** The instant at which the stories of the tests begin. */
export const start = new Date('2026-03-02T10:00:00Z');

export function secondsLater(seconds: number, from = start): Date {
  return new Date(from.getTime() + seconds * 1000);
}

export function buildSpec(document: Partial<CleanupDocument> = {}): CleanupPolicy {
  return cleanupSchema.parse({ schedule: '0 * * * *', ...document });
}

export function buildNode(name: string, node: Partial<Node> = {}): Node {
  return {
    name,
    labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name },
    taints: [],
    unschedulable: false,
    ready: true,
    readySince: new Date(0),
    containerRuntimeVersion: 'containerd://2.1.0',
    runtime: { socket: '/run/containerd/containerd.sock', stateDirectory: '/var/lib/containerd/nodesweep' },
    ...node,
  };
}

export function buildRun(document: Partial<CleanupDocument> = {}, run: Partial<Run> = {}): Run {
  const full: CleanupDocument = { schedule: '0 * * * *', ...document };
  return {
    kind: cleanup,
    name: 'nightly-29540760',
    policy: 'nightly',
    trigger: { type: 'Schedule', slot: start },
    document: full,
    spec: buildSpec(full),
    phase: 'Running',
    startedAt: start,
    acknowledgedFailures: 0,
    nodes: new Map(),
    ...run,
  };
}

/** A node with so many pods, of which the kubelet did not admit some, and others did their part. */
export function tried(attempts: number, rejections = 0, parts = 0): Tries {
  return { attempts, rejections, parts };
}

export function buildPolicyObject(
  document: Partial<CleanupDocument> = {},
  object: Partial<PolicyObject> = {},
): PolicyObject {
  return {
    name: 'nightly',
    uid: 'uid-1',
    resourceVersion: '1',
    createdAt: secondsLater(-3600),
    annotations: {},
    data: { 'cleanup.yaml': JSON.stringify({ schedule: '0 * * * *', ...document }) },
    ...object,
  };
}

export function buildReport(report: Partial<Report> = {}): Report {
  return {
    version: 1,
    outcome: 'Succeeded',
    images: { total: 5, inUse: 2, removed: 3, failed: 0, skipped: 0, unknown: 0, kept: 2 },
    bytes: { freed: 300, nominal: 330 },
    filesystem: { capacityBytes: 1000, usedBeforeBytes: 840, usedAfterBytes: 540 },
    durationMs: 1200,
    errors: [],
    omitted: 0,
    ...report,
  };
}

export function buildPod(node: string, pod: Partial<RunPod> = {}): RunPod {
  const attempt = pod.attempt ?? 0;
  return {
    kind: 'cleaner',
    name: podName('nightly-29540760', node, attempt),
    run: 'nightly-29540760',
    node,
    attempt,
    createdAt: start,
    phase: 'Running',
    ...pod,
  };
}

/** A pod whose cleaner ended by itself with a report. */
export function buildReportedPod(node: string, report: Partial<Report> = {}, pod: Partial<RunPod> = {}): RunPod {
  const isSuccess = report.outcome === undefined || report.outcome === 'Succeeded' || report.outcome === 'DryRun';
  return buildPod(node, {
    phase: isSuccess ? 'Succeeded' : 'Failed',
    exitCode: isSuccess ? 0 : 1,
    containerMessage: JSON.stringify(buildReport(report)),
    ...pod,
  });
}
