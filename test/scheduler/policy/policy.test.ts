import { describe, expect, it } from 'vitest';
import { parseCleanup, policyJsonSchema } from '../../../scheduler/cleanup/policy.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import { parsePolicy } from '../../../scheduler/policy/parse.ts';

const problems = (name: string, data: Record<string, string>) => {
  const parsed = parsePolicy(name, data, runKinds);
  return parsed.valid ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
};
const documentProblems = (text: string) => problems('nightly', { 'cleanup.yaml': text });

describe('a cleanup policy', () => {
  it('needs only a schedule; everything else has the documented default', () => {
    const parsed = parseCleanup('schedule: "*/5 * * * *"');
    expect(parsed.valid && parsed.policy).toEqual({
      schedule: '*/5 * * * *',
      timeZone: 'Etc/UTC',
      jitterSeconds: 0,
      concurrencyPolicy: 'Forbid',
      suspend: false,
      dryRun: false,
      nodes: {
        matchLabels: {},
        matchExpressions: [],
        includeUnschedulable: true,
        tolerations: [{ operator: 'Exists' }],
      },
      rollout: { parallelism: '100%', canary: 0, failurePolicy: 'Continue', restartLimit: 3 },
      activeDeadlineSeconds: 3600,
      ttlSecondsAfterFinished: 600,
      successfulRunsHistoryLimit: 3,
      failedRunsHistoryLimit: 1,
      images: {
        include: ['**'],
        exclude: [],
        includeFrom: [],
        excludeFrom: [],
        removeFrom: [],
        requirePullable: false,
        keepLastCopy: false,
        minAge: 120_000,
        keepNewestPerRepository: 0,
        keepSideLoaded: true,
        protectWorkloads: false,
      },
      onPressure: false,
    });
  });

  it('accepts every field of the reference at the same time', () => {
    expect(
      documentProblems(`
schedule: "*/5 * * * *"
timeZone: Europe/Berlin
startingDeadlineSeconds: 60
jitterSeconds: 30
concurrencyPolicy: Replace
suspend: true
dryRun: true
nodes:
  matchLabels: {pool: ci}
  matchExpressions: [{key: zone, operator: In, values: [a, b]}, {key: gpu, operator: DoesNotExist}]
  includeUnschedulable: false
  tolerations: [{key: dedicated, operator: Equal, value: ci, effect: NoSchedule}]
rollout: {parallelism: 10%, canary: 1, failurePolicy: Pause, restartLimit: 0}
activeDeadlineSeconds: 1800
ttlSecondsAfterFinished: 0
successfulRunsHistoryLimit: 0
failedRunsHistoryLimit: 0
images:
  include: ["docker.io/acme/**"]
  exclude: ["**/base:*"]
  minAge: 2m
  maxUnusedAge: 7d
  keepNewestPerRepository: 2
  protectWorkloads: true
disk: {highPercent: 85, lowPercent: 80}
`),
    ).toEqual([]);
  });
});

describe('bad input is named with its path:', () => {
  it.each([
    ['a cron field out of range', 'schedule: "61 * * * *"', /^schedule: minute: 61/],
    ['no schedule', 'suspend: true', /^schedule: is required/],
    [
      'an unknown zone (C2)',
      'schedule: "@daily"\ntimeZone: Mars/Olympus',
      /^timeZone: unknown time zone "Mars\/Olympus"/,
    ],
    ['an unknown key', 'schedule: "@daily"\nscheduel: x', /^scheduel: is not a known field/],
    [
      'an unknown key deep inside',
      'schedule: "@daily"\nrollout: {paralelism: 1}',
      /^rollout\.paralelism: is not a known field/,
    ],
    [
      'a wrong type',
      'schedule: "@daily"\nsuspend: "yes"',
      /^suspend: must be true or false; write true, without quotes/,
    ],
    [
      'no parallelism',
      'schedule: "@daily"\nrollout: {parallelism: 0}',
      /^rollout\.parallelism: must be a number of nodes from 1 up/,
    ],
    ['too much parallelism', 'schedule: "@daily"\nrollout: {parallelism: 150%}', /^rollout\.parallelism: .*1% to 100%/],
    [
      'a negative TTL',
      'schedule: "@daily"\nttlSecondsAfterFinished: -1',
      /^ttlSecondsAfterFinished: must be at least 0/,
    ],
    [
      'a duration without a unit',
      'schedule: "@daily"\nimages: {minAge: "5"}',
      /^images\.minAge: .*with a unit, like 90s/,
    ],
    [
      'a glob that can match nothing',
      'schedule: "@daily"\nimages: {include: ["nginx:*"]}',
      /^images\.include\[0\]: .*docker\.io\/library\/nginx/,
    ],
    [
      'jitter beyond the deadline',
      'schedule: "@daily"\njitterSeconds: 60\nstartingDeadlineSeconds: 60',
      /^jitterSeconds: must be below startingDeadlineSeconds, which counts from the scheduled time/,
    ],
    [
      'one threshold without the other',
      'schedule: "@daily"\ndisk: {onPressure: true, highPercent: 85}',
      /^disk\.lowPercent: is required/,
    ],
    [
      'an empty disk',
      'schedule: "@daily"\ndisk: {}',
      /^disk\.highPercent: is required.*disk\.lowPercent: is required/s,
    ],
    [
      'thresholds the wrong way round',
      'schedule: "@daily"\ndisk: {highPercent: 70, lowPercent: 80}',
      /^disk\.lowPercent: must be below/,
    ],
    [
      'In without values',
      'schedule: "@daily"\nnodes: {matchExpressions: [{key: a, operator: In}]}',
      /^nodes\.matchExpressions\[0\]\.values: must be/,
    ],
    [
      'a toleration that tolerates nothing',
      'schedule: "@daily"\nnodes: {tolerations: [{}]}',
      /^nodes\.tolerations\[0\]\.operator: must be Exists if/,
    ],
    [
      'a toleration with a useless value',
      'schedule: "@daily"\nnodes: {tolerations: [{key: a, operator: Exists, value: b}]}',
      /^nodes\.tolerations\[0\]\.value: must not/,
    ],
    [
      'a number that no API field takes',
      'schedule: "@daily"\nttlSecondsAfterFinished: 3000000000',
      /^ttlSecondsAfterFinished: must be at most 2147483647/,
    ],
    ['a host path', 'schedule: "@daily"\nhostPath: /', /^hostPath: is not a known field/],
    ['YAML that does not parse', 'schedule: "@daily"\n  nodes: {', /^line 2, column \d+: /],
    ['a key that is there twice (C40)', 'schedule: "@daily"\nschedule: "@weekly"', /^line 2, column 1: .*unique/],
    ['nothing', '', /^: is empty; a policy needs at least a schedule/],
    ['a list', '- schedule', /must be a mapping, like .*; it is a list/],
  ])('%s', (_title, text, message) => {
    expect(documentProblems(text).join('\n')).toMatch(message);
  });

  it('several problems of a document are reported together', () => {
    expect(documentProblems('schedule: "61 * * * *"\nfoo: 1\nrollout: {parallelism: 0}')).toHaveLength(3);
  });

  it('a ConfigMap without a policy key, with both keys, or with unknown keys is refused', () => {
    const cleanup = 'schedule: "@daily"';
    expect(problems('nightly', {})).toEqual(['data: has no policy; put it under the key cleanup.yaml or prepull.yaml']);
    expect(problems('nightly', { 'cleanup.yaml': cleanup, 'prepull.yaml': '' }).join()).toMatch(
      /has both cleanup\.yaml and prepull\.yaml/,
    );
    expect(problems('nightly', { 'cleanup.yml': cleanup })).toHaveLength(2);
  });

  it('a name that is too long for the names derived from it, or is not a DNS label, is refused (C14)', () => {
    const data = { 'cleanup.yaml': 'schedule: "@daily"' };
    expect(problems('a'.repeat(52), data)).toEqual([]);
    expect(problems('a'.repeat(53), data)).toEqual([
      expect.stringMatching(/^metadata\.name: has 53 characters; the maximum is 52/),
    ]);
    expect(problems('a.b', data)).toEqual([expect.stringMatching(/must be a DNS label/)]);
  });
});

it('the JSON Schema describes the document as users write it, and refuses unknown keys', () => {
  expect(policyJsonSchema()).toMatchObject({
    type: 'object',
    required: ['schedule'],
    additionalProperties: false,
    properties: { images: { properties: { minAge: { type: 'string' } } } },
  });
});
