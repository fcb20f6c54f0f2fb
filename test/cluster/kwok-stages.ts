import { stringify } from 'yaml';
import { buildReport } from '../helpers/builders.ts';

/**
 * The end of the pods on a simulated node is the first part of the node's name, as in `fails-0007`: with `node` the
 * cleaner ends well and reports; with `fails` it ends and reports that it attempted nothing; with `crashes` it ends
 * without a report; with `hangs` it never ends; with `stuck` it never starts.
 */
export type Fate = 'node' | 'fails' | 'crashes' | 'hangs' | 'stuck';

/** A cleaner that ends is at work for so long, in milliseconds: between the first and the second. */
export type WorkTime = readonly [from: number, to: number];

/** kwok's configuration: how simulated pods live and end, and how often nodes say that they are there. */
export function describeStages(workTime: WorkTime): string {
  const failed = { images: { ...buildReport().images, removed: 0 }, outcome: 'Failed' } as const;
  const errors = [{ reason: 'RuntimeUnreachable', message: 'the runtime does not answer' }];
  return [
    heartbeat,
    stage('start', [phaseIs('Pending'), fateIn('node', 'fails', 'crashes', 'hangs')], started),
    stage('succeed', [phaseIs('Running'), fateIn('node')], ended('Succeeded', 0, buildReport()), workTime),
    stage(
      'fail',
      [phaseIs('Running'), fateIn('fails')],
      ended('Failed', 2, buildReport({ ...failed, errors })),
      workTime,
    ),
    stage('crash', [phaseIs('Running'), fateIn('crashes')], ended('Failed', 137, undefined), workTime),
    {
      ...stage('delete', [], ''),
      spec: { resourceRef: pods, selector: selectorOf([isTerminating]), next: { delete: true } },
    },
  ]
    .map((object) => stringify(object))
    .join('---\n');
}

const pods = { apiGroup: 'v1', kind: 'Pod' };
const isTerminating = { jq: { key: '.metadata.deletionTimestamp', operator: 'Exists' } };
const isKept = { jq: { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' } };

function phaseIs(phase: string) {
  return { jq: { key: '.status.phase', operator: 'In', values: [phase] } };
}

function fateIn(...fates: readonly Fate[]) {
  return { jq: { key: '.spec.nodeName | split("-")[0]', operator: 'In', values: fates } };
}

function selectorOf(matchExpressions: readonly object[]) {
  return { matchExpressions };
}

function stage(name: string, conditions: readonly object[], statusTemplate: string, workTime?: WorkTime) {
  const delay = workTime && { durationMilliseconds: workTime[0], jitterDurationMilliseconds: workTime[1] };
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: {
      resourceRef: pods,
      selector: selectorOf([isKept, ...conditions]),
      ...(delay && { delay }),
      next: { statusTemplate },
    },
  };
}

/** A kubelet whose node does not change reports it every five minutes. */
const heartbeat = {
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name: 'heartbeat' },
  spec: {
    resourceRef: { apiGroup: 'v1', kind: 'Node' },
    selector: selectorOf([isKept]),
    delay: { durationMilliseconds: 240_000, jitterDurationMilliseconds: 360_000 },
    next: {
      statusTemplate: [
        'conditions:',
        '{{ range .status.conditions }}',
        '- type: {{ .type | Quote }}',
        '  status: {{ .status | Quote }}',
        '  reason: {{ .reason | Quote }}',
        '  message: {{ .message | Quote }}',
        '  lastTransitionTime: {{ .lastTransitionTime | Quote }}',
        '  lastHeartbeatTime: {{ Now | Quote }}',
        '{{ end }}',
      ].join('\n'),
    },
  },
};

const started = statusTemplate('Running', 'running: { startedAt: {{ Now | Quote }} }');

function ended(phase: string, exitCode: number, report: object | undefined): string {
  const message = report === undefined ? '' : `, message: ${JSON.stringify(JSON.stringify(report))}`;
  const times = 'startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}';
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return statusTemplate(phase, `terminated: { exitCode: ${exitCode}, reason: ${reason}, ${times}${message} }`);
}

/** A Go template of YAML, as kwok takes it. */
function statusTemplate(phase: string, state: string): string {
  return [
    `phase: ${phase}`,
    'startTime: {{ or .status.startTime Now | Quote }}',
    'containerStatuses:',
    '- name: {{ (index .spec.containers 0).name }}',
    '  image: {{ (index .spec.containers 0).image | Quote }}',
    '  imageID: ""',
    `  ready: ${phase === 'Running'}`,
    '  restartCount: 0',
    `  state: { ${state} }`,
  ].join('\n');
}
