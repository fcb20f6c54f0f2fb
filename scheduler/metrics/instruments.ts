import { Counter, Histogram, type Registry } from 'prom-client';

/** The counters and timers. docs/operations.md lists them. */
export type Instruments = ReturnType<typeof createInstruments>;

/** Creates the instruments. Their names follow the conventions of Prometheus: base units, `_total` for counters. */
export function createInstruments(registry: Registry) {
  const registers = [registry];
  return {
    runs: new Counter({
      name: 'nodesweep_runs_total',
      help: 'Runs that have ended, by outcome (Succeeded, TargetNotMet, PartiallyFailed, NoMatchingNodes, NoEligibleNodes, Failed).',
      labelNames: ['policy', 'outcome'],
      registers,
    }),
    runSeconds: new Histogram({
      name: 'nodesweep_run_duration_seconds',
      help: 'Time from the start of a run to its end.',
      labelNames: ['outcome'],
      buckets: [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200],
      registers,
    }),
    startLagSeconds: new Histogram({
      name: 'nodesweep_run_start_lag_seconds',
      help: 'Time from a scheduled time until the record of its run exists.',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800],
      registers,
    }),
    nodes: new Counter({
      name: 'nodesweep_run_nodes_total',
      help: 'Nodes of runs that have ended, by result (succeeded, failed, skipped).',
      labelNames: ['policy', 'result'],
      registers,
    }),
    images: new Counter({
      name: 'nodesweep_images_total',
      help: 'Images that were to be removed, by outcome (planned, removed, failed, skipped, unknown).',
      labelNames: ['policy', 'outcome'],
      registers,
    }),
    freedBytes: new Counter({
      name: 'nodesweep_freed_bytes_total',
      help: 'Freed disk space, as measured on the nodes.',
      labelNames: ['policy'],
      registers,
    }),
    pullSeconds: new Histogram({
      name: 'nodesweep_prepull_pull_duration_seconds',
      help: 'Time that the kubelet took for an image that its node did not have: from the start of the container before until the start of its own.',
      labelNames: ['policy'],
      buckets: [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800],
      registers,
    }),
    newNodeSeconds: new Histogram({
      name: 'nodesweep_prepull_new_node_duration_seconds',
      help: 'Time from when a new node is ready until all images of a policy are on it.',
      labelNames: ['policy'],
      buckets: [2, 5, 10, 30, 60, 120, 300, 600, 1800],
      registers,
    }),
    startupTaints: new Counter({
      name: 'nodesweep_startup_taints_removed_total',
      help: 'Nodes that lost the startup taint, by cause (Served, NotReached, TimedOut).',
      labelNames: ['cause'],
      registers,
    }),
    notifications: new Counter({
      name: 'nodesweep_notifications_total',
      help: 'News for notifications that were delivered or dropped, and messages that failed, by result (delivered, failed, dropped).',
      labelNames: ['result'],
      registers,
    }),
    requests: new Counter({
      name: 'nodesweep_api_requests_total',
      help: 'Requests to the API server, by verb, resource and code; code 0 for requests without an answer.',
      labelNames: ['verb', 'resource', 'code'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'nodesweep_api_request_duration_seconds',
      help: 'Time from a request to the beginning of its answer.',
      labelNames: ['verb'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
      registers,
    }),
    passSeconds: new Histogram({
      name: 'nodesweep_pass_duration_seconds',
      help: 'Time to reconcile one policy once.',
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      registers,
    }),
  };
}
