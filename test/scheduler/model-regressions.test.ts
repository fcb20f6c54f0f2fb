import { expect, it } from 'vitest';
import type { CleanupDocument } from '../../scheduler/cleanup/policy.ts';
import type { History } from './model-history.ts';
import { play } from './model-play.ts';

const everyMinute: CleanupDocument = {
  schedule: '*/1 * * * *',
  activeDeadlineSeconds: 150,
  ttlSecondsAfterFinished: 0,
};
const story = (story: Partial<History>): History => ({
  replicas: 2,
  paces: [],
  nodes: 2,
  document: everyMinute,
  steps: [],
  ...story,
});

/** Histories that went wrong once, as small as they could be made. */
it.each<[string, History]>([
  [
    'a failed pod that is deleted and never ends delays the other nodes only for a time (C17, C18, C21)',
    story({
      nodes: 4,
      document: {
        schedule: '*/5 * * * *',
        nodes: { matchLabels: { pool: 'ci' } },
        rollout: { parallelism: 1 },
        activeDeadlineSeconds: 200,
      },
      steps: [
        { step: 'Annotate', policy: 'alpha', key: 'run-at', value: 'first' },
        { step: 'Late', replica: 0, table: 'pods', seconds: 60, how: 'Resumed' },
        { step: 'Fate', node: 'n1', fate: 'Stuck' },
        { step: 'Wait', seconds: 300 },
      ],
    }),
  ],
  [
    'two schedulers that start the same run clean one node after the other with parallelism 1 (C10, C18)',
    story({
      document: { ...everyMinute, rollout: { parallelism: 1 } },
      steps: [
        { step: 'Fault', replica: 1, calls: 0, fault: { kind: 'Slow', before: 0, after: 0 } },
        { step: 'Wait', seconds: 35 },
      ],
    }),
  ],
  [
    'two schedulers that start the same run start one canary (C10, C18)',
    story({
      document: { ...everyMinute, rollout: { canary: 1 } },
      steps: [
        { step: 'Fault', replica: 1, calls: 0, fault: { kind: 'Slow', before: 0, after: 0 } },
        { step: 'Wait', seconds: 35 },
      ],
    }),
  ],
  [
    'a scheduler that sees its pods late still counts a pod that seems to be gone (C15, C18)',
    story({
      document: { ...everyMinute, rollout: { parallelism: 1 } },
      steps: [
        { step: 'Wait', seconds: 20 },
        { step: 'Late', replica: 0, table: 'pods', seconds: 60, how: 'Resumed' },
        { step: 'Late', replica: 0, table: 'configMaps', seconds: 20, how: 'Resumed' },
        { step: 'Fate', node: 'n1', fate: 'Slow' },
        { step: 'Wait', seconds: 60 },
      ],
    }),
  ],
  [
    'a scheduler with a slightly old view finds the record of a finished run although the history limit is 0 (C10, C13)',
    story({
      nodes: 0,
      document: { ...everyMinute, successfulRunsHistoryLimit: 0 },
      steps: [
        { step: 'Fault', replica: 0, calls: 0, fault: { kind: 'Slow', before: 0, after: 0 } },
        { step: 'Wait', seconds: 120 },
      ],
    }),
  ],
  [
    'a scheduled time that was started by a scheduler that did not know of an edit is remembered (C7)',
    story({
      nodes: 0,
      steps: [
        { step: 'Late', replica: 0, table: 'configMaps', seconds: 60, how: 'Resumed' },
        { step: 'Apply', policy: 'alpha', document: undefined },
        { step: 'Wait', seconds: 35 },
      ],
    }),
  ],
  [
    'a scheduler that does not know of an edit leaves the status to the one that does (C9)',
    story({
      nodes: 0,
      steps: [
        { step: 'Annotate', policy: 'alpha', key: 'run-at', value: 'first' },
        { step: 'Late', replica: 1, table: 'configMaps', seconds: 4, how: 'Resumed' },
        { step: 'Apply', policy: 'alpha', document: undefined },
        { step: 'Wait', seconds: 3 },
      ],
    }),
  ],
  [
    'a scheduler that was slow with a policy does not replace a later scheduled time that another one stored meanwhile (C7)',
    story({
      paces: [[0, 0, 100]],
      nodes: 0,
      steps: [
        { step: 'Kill', replica: 1, seconds: 400 },
        { step: 'Apply', policy: 'beta', document: everyMinute },
        { step: 'Kill', replica: 0, seconds: 400 },
        { step: 'Wait', seconds: 120 },
      ],
    }),
  ],
  [
    'a run under disk pressure that starts at the same instant as its policy is remembered, and its record is deleted (C13)',
    story({
      nodes: 4,
      steps: [
        { step: 'Apply', policy: 'beta', document: everyMinute },
        { step: 'Fate', node: 'n4', fate: 'Fails' },
        {
          step: 'Apply',
          policy: 'alpha',
          document: {
            schedule: '*/5 * * * *',
            disk: { onPressure: true },
            nodes: { matchLabels: { pool: 'ci' } },
            ttlSecondsAfterFinished: 30,
            failedRunsHistoryLimit: 0,
          },
        },
        { step: 'Node', node: 'n4', change: 'Pressed' },
        { step: 'Wait', seconds: 1 },
      ],
    }),
  ],
  [
    'a report counts if the cleaner writes it while the deadline ends it (H39)',
    story({
      replicas: 1,
      nodes: 3,
      document: { schedule: '*/5 * * * *', rollout: { parallelism: 1 }, activeDeadlineSeconds: 40 },
      steps: [
        { step: 'Annotate', policy: 'alpha', key: 'run-at', value: 'first' },
        { step: 'Fate', node: 'n1', fate: 'Slow' },
        { step: 'Fate', node: 'n2', fate: 'Slow' },
        { step: 'Wait', seconds: 60 },
      ],
    }),
  ],
  [
    'a node that was not ready and a node that had left are cleaned when they come back (H18, H41)',
    story({
      replicas: 1,
      nodes: 3,
      document: { schedule: '*/5 * * * *', activeDeadlineSeconds: 600 },
      steps: [
        { step: 'Node', node: 'n1', change: 'NotReady' },
        { step: 'Fate', node: 'n2', fate: 'Slow' },
        { step: 'Annotate', policy: 'alpha', key: 'run-at', value: 'first' },
        { step: 'Wait', seconds: 3 },
        { step: 'Node', node: 'n2', change: 'Removed' },
        { step: 'Wait', seconds: 60 },
        { step: 'Node', node: 'n2', change: 'Added' },
        { step: 'Wait', seconds: 10 },
        { step: 'Node', node: 'n1', change: 'Ready' },
        { step: 'Wait', seconds: 60 },
      ],
    }),
  ],
  [
    'a run that only waits for a node that is not ready delays no other run (H18)',
    story({
      replicas: 1,
      document: { ...everyMinute, activeDeadlineSeconds: 600 },
      steps: [
        { step: 'Node', node: 'n1', change: 'NotReady' },
        { step: 'Wait', seconds: 300 },
      ],
    }),
  ],
  [
    'a policy that loses its label during a run leaves no run, job or pod behind (C31, H41)',
    story({
      document: { schedule: '*/5 * * * *', activeDeadlineSeconds: 600 },
      steps: [
        { step: 'Fate', node: 'n1', fate: 'Hangs' },
        { step: 'Annotate', policy: 'alpha', key: 'run-at', value: 'first' },
        { step: 'Wait', seconds: 10 },
        { step: 'Unlabel', policy: 'alpha' },
        { step: 'Wait', seconds: 60 },
      ],
    }),
  ],
])('%s', async (_title, history) => {
  expect(await play(history)).toEqual([]);
});
