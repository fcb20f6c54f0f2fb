import { stringify } from 'yaml';
import { buildReport } from '../helpers/builders.ts';

/**
 * The end of the pods on a simulated node is the first part of the node's name, as in `fails-0007`: with `node` the
 * cleaner ends well and reports, and the puller has all images; with `fails` it ends and reports that it attempted nothing; with `crashes` it ends
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

const endTimes = 'startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}';

const started = statusTemplate('Running', 'running: { startedAt: {{ Now | Quote }} }');

function ended(phase: string, exitCode: number, report: object | undefined): string {
  const message = report === undefined ? '' : onlyCleaner(`, message: ${JSON.stringify(JSON.stringify(report))}`);
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return statusTemplate(phase, `terminated: { exitCode: ${exitCode}, reason: ${reason}, ${endTimes}${message} }`);
}

/** A part of a template that the containers of pullers do not have: only these have init containers. */
function onlyCleaner(part: string): string {
  return `{{ if not $.spec.initContainers }}${part}{{ end }}`;
}

/** A Go template of YAML, as kwok takes it. The containers of a puller have the digests of their images. */
function statusTemplate(phase: string, state: string): string {
  return [
    `phase: ${phase}`,
    'startTime: {{ or .status.startTime Now | Quote }}',
    '{{ if .spec.initContainers }}',
    'initContainerStatuses:',
    '{{ range .spec.initContainers }}',
    ...containerStatus(false, `terminated: { exitCode: 0, reason: Completed, ${endTimes} }`),
    '{{ end }}',
    '{{ end }}',
    'containerStatuses:',
    '{{ range .spec.containers }}',
    ...containerStatus(phase === 'Running', state),
    '{{ end }}',
  ].join('\n');
}

/** The status of a container, within a range over containers. */
function containerStatus(isReady: boolean, state: string): string[] {
  return [
    '- name: {{ .name }}',
    '  image: {{ .image | Quote }}',
    `  imageID: {{ printf "%s@sha256:${'1f'.repeat(32)}" .image | Quote }}`,
    `  ready: ${isReady}`,
    '  restartCount: 0',
    `  state: { ${state} }`,
  ];
}
