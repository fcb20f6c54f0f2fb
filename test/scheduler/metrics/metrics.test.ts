import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClusterState } from '../../../scheduler/cluster.ts';
import { Metrics } from '../../../scheduler/metrics/metrics.ts';
import { prepull } from '../../../scheduler/prepull/kind.ts';
import { settled } from '../../../scheduler/run/progress.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import type { PolicyStatus } from '../../../scheduler/status/status.ts';
import { buildNode, buildPolicyObject, buildRun, secondsLater, start, tried } from '../../helpers/builders.ts';
import { buildPrepull } from '../../helpers/prepull.ts';
import { buildPuller, state as containerState } from '../../helpers/pullers.ts';

const tally = { planned: 0, removed: 3, failed: 1, skipped: 0, unknown: 0, freedBytes: 300, nominalBytes: 330 };

async function readLines(metrics: Metrics): Promise<string[]> {
  return (await metrics.read()).text.split('\n').filter((line) => line.startsWith('nodesweep_'));
}

function buildState(state: Partial<ClusterState> = {}): ClusterState {
  return { policies: [], statuses: new Map(), runs: [], nodes: [], pods: [], ...state };
}

function observe(metrics: Metrics, state: () => ClusterState, { isLeader = true, isCurrent = true } = {}): void {
  metrics.observe({ state, isLeader: () => isLeader, isCurrent: () => isCurrent });
}

describe('the metrics', () => {
  it('are all named in docs/operations.md', async () => {
    const metrics = new Metrics('1.2.3');
    observe(metrics, () => buildState());
    const { text } = await metrics.read();
    const names = [...text.matchAll(/^# TYPE (nodesweep_\w+)/gm)].map(([, name]) => name);
    const operations = await readFile(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');
    expect(names.filter((name) => !operations.includes(`\`${name}\``))).toEqual([]);
    expect(names.length).toBeGreaterThan(10);
  });

  it('describe a run that has ended: outcome, duration, nodes, images and bytes', async () => {
    const metrics = new Metrics('1.2.3');
    const nodes = new Map([
      ['node-1', settled(tried(1), 'Succeeded', { tally })],
      ['node-2', settled(tried(1), 'Failed')],
      ['node-3', settled(tried(0), 'Skipped')],
    ]);
    metrics.observeEnd(buildRun({}, { phase: 'Failed', finishedAt: secondsLater(7), nodes }));
    expect(await readLines(metrics)).toEqual(
      expect.arrayContaining([
        'nodesweep_runs_total{policy="nightly",outcome="Failed"} 1',
        'nodesweep_run_duration_seconds_sum{outcome="Failed"} 7',
        'nodesweep_run_nodes_total{policy="nightly",result="succeeded"} 1',
        'nodesweep_run_nodes_total{policy="nightly",result="failed"} 1',
        'nodesweep_run_nodes_total{policy="nightly",result="skipped"} 1',
        'nodesweep_images_total{policy="nightly",outcome="removed"} 3',
        'nodesweep_images_total{policy="nightly",outcome="failed"} 1',
        'nodesweep_freed_bytes_total{policy="nightly"} 300',
        'nodesweep_build_info{version="1.2.3"} 1',
      ]),
    );
  });

  it('count nothing as freed on a disk that filled up meanwhile', async () => {
    const metrics = new Metrics('1');
    const nodes = new Map([['node-1', settled(tried(1), 'Succeeded', { tally: { ...tally, freedBytes: -5 } })]]);
    metrics.observeEnd(buildRun({}, { phase: 'Succeeded', finishedAt: start, nodes }));
    expect(await readLines(metrics)).toContain('nodesweep_freed_bytes_total{policy="nightly"} 0');
  });

  it('show the delay of a run after its scheduled time, and no delay for a requested run', async () => {
    const metrics = new Metrics('1');
    metrics.observeStart(buildRun(), secondsLater(2));
    metrics.observeStart(buildRun({}, { trigger: { type: 'Request', request: 'now' } }), secondsLater(9));
    const lines = await readLines(metrics);
    expect(lines).toContain('nodesweep_run_start_lag_seconds_sum 2');
    expect(lines).toContain('nodesweep_run_start_lag_seconds_count 1');
  });

  it('show which policies are valid when they are read, and nothing for a deleted policy (C3)', async () => {
    const metrics = new Metrics('1');
    const status = (valid: boolean) => ({ value: { valid } as PolicyStatus, resourceVersion: '1' });
    const both = buildState({
      policies: [buildPolicyObject({}, { name: 'good' }), buildPolicyObject({}, { name: 'bad' })],
      statuses: new Map([
        ['good', status(true)],
        ['bad', status(false)],
      ]),
    });
    let state = both;
    observe(metrics, () => state);
    expect(await readLines(metrics)).toEqual(
      expect.arrayContaining(['nodesweep_policy_valid{policy="good"} 1', 'nodesweep_policy_valid{policy="bad"} 0']),
    );
    state = { ...both, policies: both.policies.slice(0, 1) };
    expect((await readLines(metrics)).filter((line) => line.startsWith('nodesweep_policy_valid'))).toEqual([
      'nodesweep_policy_valid{policy="good"} 1',
    ]);
  });

  it('show the image sets, and which of them are a problem of which policy (S6)', async () => {
    const metrics = new Metrics('1');
    const content = { kind: 'Readable', bytes: 90, entries: 7, invalidLines: 2 } as const;
    const unreadable = { kind: 'Unreadable', cause: 'has no keys', advice: '' } as const;
    const sets = [
      { name: 'good', version: '1', updatedAt: start, content: { ...content, invalidLines: 0 } },
      { name: 'cve', version: '1', updatedAt: undefined, content },
      { name: 'empty', version: '1', updatedAt: start, content: unreadable },
    ];
    const byName = new Map(sets.map((set) => [set.name, set]));
    const images = { includeFrom: ['cve'], excludeFrom: ['good', 'gone'], removeFrom: ['cve'] };
    const policies = [buildPolicyObject({ images }), buildPolicyObject({}, { name: 'other' })];
    const imageSets = { place: 'in namespace nodesweep', byName };
    observe(metrics, () => buildState({ policies, imageSets }));
    const seconds = start.getTime() / 1_000;
    expect((await readLines(metrics)).filter((line) => line.includes('image_set'))).toEqual([
      `nodesweep_image_set_last_update_timestamp_seconds{set="good"} ${seconds}`,
      `nodesweep_image_set_last_update_timestamp_seconds{set="empty"} ${seconds}`,
      'nodesweep_image_set_entries{set="good"} 7',
      'nodesweep_image_set_entries{set="cve"} 7',
      'nodesweep_image_set_invalid_lines{set="good"} 0',
      'nodesweep_image_set_invalid_lines{set="cve"} 2',
      'nodesweep_policy_image_set_problem{policy="nightly",set="cve"} 1',
      'nodesweep_policy_image_set_problem{policy="nightly",set="good"} 0',
      'nodesweep_policy_image_set_problem{policy="nightly",set="gone"} 1',
    ]);
  });

  it('have the times of pulls, and the time until a new node has all images, by policy, as long as the policy is there (H31)', async () => {
    const metrics = new Metrics('1');
    const spec = buildPrepull([{ name: 'base', images: ['docker.io/acme/api:1'] }]);
    const run = buildRun({}, { kind: prepull, policy: 'release', spec });
    metrics.observeNode({
      run,
      name: 'a',
      progress: settled(tried(1), 'Succeeded'),
      before: undefined,
      lastResult: undefined,
      node: buildNode('a', { createdAt: secondsLater(1), readySince: secondsLater(3) }),
      pod: buildPuller({ 0: containerState.done() }, { startDelays: [undefined, 4] }),
      now: secondsLater(10),
    });
    let policies = [buildPolicyObject({}, { name: 'release' })];
    observe(metrics, () => buildState({ policies }));
    const lines = await readLines(metrics);
    expect(lines).toEqual(
      expect.arrayContaining([
        'nodesweep_prepull_pull_duration_seconds_sum{policy="release"} 4',
        'nodesweep_prepull_pull_duration_seconds_count{policy="release"} 1',
        'nodesweep_prepull_new_node_duration_seconds_sum{policy="release"} 7',
      ]),
    );
    policies = [];
    expect((await readLines(metrics)).filter((line) => line.includes('policy="release"'))).toEqual([]);
  });

  it('keep no series of policies that are deleted, however many there were (H31)', async () => {
    const metrics = new Metrics('1');
    let policies = [buildPolicyObject({}, { name: 'kept' })];
    observe(metrics, () => buildState({ policies }));
    for (let index = 0; index < 1_000; index += 1) {
      policies = [...policies.slice(0, 1), buildPolicyObject({}, { name: `policy-${index}` })];
      for (const { name: policy } of policies)
        metrics.observeEnd(buildRun({}, { policy, phase: 'Succeeded', finishedAt: start }));
    }
    policies = policies.slice(0, 1);
    const lines = (await readLines(metrics)).filter((line) => line.includes('policy='));
    expect(lines).toContain('nodesweep_runs_total{policy="kept",outcome="Succeeded"} 1000');
    expect(lines.length).toBeLessThan(20);
  });

  it('show the last success and the next scheduled time of each policy, and the scheduled times without success (H61)', async () => {
    const metrics = new Metrics('1');
    const status = {
      valid: true,
      schedule: '0 * * * * Etc/UTC active',
      scheduleSince: secondsLater(-7_200),
      lastSuccessfulTime: secondsLater(30),
      nextSlot: secondsLater(3 * 3_600),
    } as PolicyStatus;
    const state = buildState({
      policies: [buildPolicyObject(), buildPolicyObject({}, { name: 'new' })],
      statuses: new Map([['nightly', { value: status, resourceVersion: '1' }]]),
    });
    metrics.observe({
      state: () => state,
      isLeader: () => true,
      isCurrent: () => true,
      readClock: () => secondsLater(2 * 3_600 + 60),
    });
    const lines = await readLines(metrics);
    expect(lines).toEqual(
      expect.arrayContaining([
        `nodesweep_policy_last_success_timestamp_seconds{policy="nightly"} ${secondsLater(30).getTime() / 1000}`,
        `nodesweep_policy_next_schedule_timestamp_seconds{policy="nightly"} ${secondsLater(3 * 3_600).getTime() / 1000}`,
        'nodesweep_policy_schedules_without_success{policy="nightly"} 2',
      ]),
    );
    expect(lines.filter((line) => line.startsWith('nodesweep_policy_') && line.includes('policy="new"'))).toEqual([
      'nodesweep_policy_valid{policy="new"} 1',
    ]);
  });

  it('show the outcome and the nodes of the last run for all nodes, and paused runs (H61)', async () => {
    const metrics = new Metrics('1');
    const ended = (at: number, run: Partial<Run>) =>
      buildRun({}, { phase: 'Succeeded', startedAt: secondsLater(at), finishedAt: secondsLater(at + 5), ...run });
    const nodes = new Map([
      ['a', settled(tried(1), 'Succeeded', { tally })],
      ['b', settled(tried(1), 'Failed')],
    ]);
    const runs = [
      ended(0, {}),
      ended(10, { phase: 'Failed', reason: 'NodesFailed', nodes }),
      ended(20, { phase: 'Failed', reason: 'Replaced' }),
      ended(30, { trigger: { type: 'Pressure', after: start } }),
      buildRun({}, { phase: 'Paused', startedAt: secondsLater(40) }),
    ];
    const policies = [buildPolicyObject(), buildPolicyObject({}, { name: 'other' })];
    observe(metrics, () => buildState({ policies, runs: runs.map((value) => ({ value, resourceVersion: '1' })) }));
    const lines = await readLines(metrics);
    expect(lines.filter((line) => /^nodesweep_(?:last_run|runs_paused)/.test(line))).toEqual([
      'nodesweep_runs_paused{policy="nightly"} 1',
      'nodesweep_runs_paused{policy="other"} 0',
      'nodesweep_last_run_outcome{policy="nightly",outcome="PartiallyFailed"} 1',
      'nodesweep_last_run_nodes{policy="nightly",result="succeeded"} 1',
      'nodesweep_last_run_nodes{policy="nightly",result="failed"} 1',
      'nodesweep_last_run_nodes{policy="nightly",result="skipped"} 0',
    ]);
  });

  it('begin the counters of runs with 0, so that the first failure is an increase (H61)', async () => {
    const metrics = new Metrics('1');
    observe(metrics, () => buildState({ policies: [buildPolicyObject()] }));
    expect(await readLines(metrics)).toContain('nodesweep_runs_total{policy="nightly",outcome="PartiallyFailed"} 0');
  });

  it('show the disks of the 20 fullest nodes only, and what all nodes keep by reason (H61)', async () => {
    const metrics = new Metrics('1');
    const names = Array.from({ length: 100 }, (_, index) => `node-${index}`);
    const kept = { InUse: { images: 2, bytes: 20 } };
    const progress = (afterBytes: number) =>
      settled(tried(1), 'Succeeded', {
        reason: afterBytes > 95 ? 'TargetNotMet' : undefined,
        tally: { ...tally, freedBytes: 0 },
        disk: { capacityBytes: 100, usedBeforeBytes: 99, usedAfterBytes: afterBytes, kept },
      });
    const nodes = new Map(names.map((name, index) => [name, progress(index)]));
    const run = buildRun({}, { phase: 'Succeeded', finishedAt: secondsLater(9), nodes });
    observe(metrics, () =>
      buildState({
        policies: [buildPolicyObject()],
        nodes: names.map((name) => buildNode(name)),
        runs: [{ value: run, resourceVersion: '1' }],
      }),
    );
    const lines = await readLines(metrics);
    expect(lines.filter((line) => line.startsWith('nodesweep_node_disk_used_bytes'))).toHaveLength(40);
    expect(lines).toEqual(
      expect.arrayContaining([
        'nodesweep_node_disk_capacity_bytes{policy="nightly",node="node-99"} 100',
        'nodesweep_node_disk_used_bytes{policy="nightly",node="node-99",when="before"} 99',
        'nodesweep_node_disk_used_bytes{policy="nightly",node="node-80",when="after"} 80',
        'nodesweep_nodes_above_target{policy="nightly",freed="true"} 0',
        'nodesweep_nodes_above_target{policy="nightly",freed="false"} 4',
        'nodesweep_kept_images{policy="nightly",reason="InUse"} 200',
        'nodesweep_kept_bytes{policy="nightly",reason="InUse"} 2000',
      ]),
    );
  });

  it('show the leader, the state of the watches, and the number of active runs', async () => {
    const metrics = new Metrics('1');
    const runs = [buildRun(), buildRun({}, { phase: 'Paused' }), buildRun({}, { phase: 'Failed' })];
    const state = buildState({ runs: runs.map((value) => ({ value, resourceVersion: '1' })) });
    observe(metrics, () => state, { isCurrent: false });
    expect(await readLines(metrics)).toEqual(
      expect.arrayContaining(['nodesweep_leader 1', 'nodesweep_watches_current 0', 'nodesweep_runs_active 2']),
    );
  });

  it('count the nodes that lost the startup taint by cause (P22)', async () => {
    const metrics = new Metrics('1');
    for (const cause of ['Served', 'TimedOut', 'Served'] as const) metrics.observeOpening(cause);
    expect(await readLines(metrics)).toEqual(
      expect.arrayContaining([
        'nodesweep_startup_taints_removed_total{cause="Served"} 2',
        'nodesweep_startup_taints_removed_total{cause="TimedOut"} 1',
      ]),
    );
  });

  it('count requests to the API server by verb, resource and code, and measure the time of passes', async () => {
    const metrics = new Metrics('1');
    metrics.observeRequest({ verb: 'create', resource: 'pods', code: 201, seconds: 0.1 });
    metrics.observeRequest({ verb: 'create', resource: 'pods', code: 0, seconds: 30 });
    metrics.observePass(0.25);
    expect(await readLines(metrics)).toEqual(
      expect.arrayContaining([
        'nodesweep_api_requests_total{verb="create",resource="pods",code="201"} 1',
        'nodesweep_api_requests_total{verb="create",resource="pods",code="0"} 1',
        'nodesweep_api_request_duration_seconds_sum{verb="create"} 30.1',
        'nodesweep_pass_duration_seconds_sum 0.25',
      ]),
    );
  });

  it('include those of the process: its memory, its CPU and the lag of its event loop', async () => {
    const { text, contentType } = await new Metrics('1').read();
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_p99_seconds',
    ])
      expect(text).toContain(`\n${name} `);
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  });
});
