import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Metrics } from '../../scheduler/metrics/metrics.ts';
import { prepull } from '../../scheduler/prepull/kind.ts';
import { settled } from '../../scheduler/run/progress.ts';
import type { PolicyStatus } from '../../scheduler/status/status.ts';
import { buildNode, buildPolicyObject, buildRun, secondsLater, start, tried } from '../helpers/builders.ts';
import { buildPrepull } from '../helpers/prepull.ts';
import { buildPuller, state as containerState } from '../helpers/pullers.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface History {
  readonly name: string;
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly object[] }[];
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const top = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(top, path), 'utf8');
const rulesFile = parse(read('manifests/monitoring/rules.yaml'));
const rules: readonly Rule[] = rulesFile.groups.flatMap(({ rules }: { rules: Rule[] }) => rules);
const histories: readonly History[] = parse(read('test/monitoring/rules.test.yaml')).tests;
const dashboard = JSON.parse(read('manifests/monitoring/dashboard.json'));
const panels: readonly Panel[] = dashboard.panels;

/** Labels that Prometheus adds to what it scrapes. */
const targetLabels = new Set(['cluster', 'namespace', 'pod', 'instance', 'job', 'le']);

/** The labels of each metric of a scheduler in whose cluster everything has happened once. */
async function readLabels(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const metrics = new Metrics('1');
  const tally = { planned: 0, removed: 1, failed: 0, skipped: 0, unknown: 0, freedBytes: 0, nominalBytes: 1 };
  const kept = { InUse: { images: 1, bytes: 1 } };
  const disk = { capacityBytes: 100, usedBeforeBytes: 99, usedAfterBytes: 98, kept };
  const nodes = new Map([['a', settled(tried(1), 'Succeeded', { reason: 'TargetNotMet', tally, disk })]]);
  const ended = buildRun({}, { phase: 'Succeeded', reason: 'TargetNotMet', finishedAt: secondsLater(5), nodes });
  const pulling = buildRun(
    {},
    { kind: prepull, policy: 'lists', spec: buildPrepull([{ name: 'base', images: ['docker.io/acme/api:1'] }]) },
  );
  const status = {
    valid: true,
    schedule: '0 * * * * Etc/UTC active',
    scheduleSince: start,
    lastSuccessfulTime: start,
    nextSlot: secondsLater(60),
  } as PolicyStatus;
  const usesSets = buildPolicyObject({ images: { excludeFrom: ['frozen'] } }, { name: 'uses-sets' });
  const content = { kind: 'Readable', bytes: 90, entries: 7, invalidLines: 2 } as const;
  const imageSets = {
    place: 'in namespace nodesweep',
    byName: new Map([['frozen', { name: 'frozen', version: '1', updatedAt: start, content }]]),
  };
  metrics.observe({
    state: () => ({
      policies: [buildPolicyObject(), buildPolicyObject({}, { name: 'lists' }), usesSets],
      statuses: new Map([['nightly', { value: status, resourceVersion: '1' }]]),
      runs: [ended, pulling].map((value) => ({ value, resourceVersion: '1' })),
      nodes: [buildNode('a')],
      imageSets,
    }),
    isLeader: () => true,
    isCurrent: () => true,
    readClock: () => secondsLater(30),
  });
  metrics.observeStart(ended, secondsLater(1));
  metrics.observeEnd(ended);
  metrics.observePass(0.1);
  metrics.observeOpening('Served');
  metrics.observeRequest({ verb: 'get', resource: 'pods', code: 200, seconds: 0.1 });
  metrics.countNotifications('delivered', 1);
  metrics.observeNode({
    run: pulling,
    name: 'a',
    progress: settled(tried(1), 'Succeeded'),
    before: undefined,
    lastResult: undefined,
    node: buildNode('a', { createdAt: secondsLater(1), readySince: secondsLater(3) }),
    pod: buildPuller({ 0: containerState.done() }, { startDelays: [undefined, 4] }),
    now: secondsLater(10),
  });
  const labels = new Map<string, Set<string>>();
  for (const [, name = '', inside = ''] of (await metrics.read()).text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = labels.get(name) ?? new Set();
    for (const [, label = ''] of inside.matchAll(/(\w+)="/g)) known.add(label);
    labels.set(name, known);
  }
  return labels;
}

const scraped = readLabels();

/** The metrics of an expression, each with the labels of its selector. */
function selectorsIn(expr: string): readonly { readonly metric: string; readonly labels: readonly string[] }[] {
  return [...expr.matchAll(/\b((?:nodesweep|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, metric = '', inside = '']) => ({
      metric,
      labels: [...inside.matchAll(/(\w+)\s*=?[=~!]/g)].map(([, label = '']) => label),
    }),
  );
}

function groupLabelsIn(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:by|on|without)\s*\(([^)]*)\)/g)].flatMap(([, inside = '']) => inside.split(/[\s,]+/));
}

const uses = [
  ...rules.map(({ alert, expr }) => ({ name: alert, expr })),
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ name: `the panel "${title}"`, expr }))),
];

describe('the alert rules and the dashboard', () => {
  it.each(uses)('use only metrics of the scheduler, with their labels: $name (H64)', async ({ expr }) => {
    const labels = await scraped;
    const selectors = selectorsIn(expr);
    expect(selectors.length).toBeGreaterThan(0);
    const known = new Set(targetLabels);
    for (const { metric, labels: selected } of selectors) {
      expect([...labels.keys()]).toContain(metric);
      expect(selected.filter((label) => labels.get(metric)?.has(label) !== true)).toEqual([]);
      for (const label of labels.get(metric) ?? []) known.add(label);
    }
    expect(groupLabelsIn(expr).filter((label) => label !== '' && !known.has(label))).toEqual([]);
  });

  it.each(rules)('name in their texts only labels that the alert has: $alert', ({ expr, annotations, labels }) => {
    const text = Object.values(annotations).join(' ');
    const named = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    expect(named.filter((label) => !groupLabelsIn(expr).includes(label))).toEqual([]);
    expect(['warning', 'critical']).toContain(labels.severity);
    expect(Object.keys(annotations)).toEqual(['summary', 'description']);
  });

  it.each(panels.flatMap(({ targets = [] }) => targets))(
    'name in a legend only labels of the series: $expr',
    ({ expr, legendFormat }) => {
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      expect(named.filter((label) => !groupLabelsIn(expr).includes(label) && !targetLabels.has(label))).toEqual([]);
    },
  );
});

it.each(rules)(
  'the alert $alert has a failing and a healthy history, and a row in docs/monitoring.md (H64)',
  ({ alert }) => {
    const tests = histories
      .flatMap(({ alert_rule_test: tests }) => tests)
      .filter(({ alertname }) => alertname === alert);
    expect(tests.some(({ exp_alerts: alerts }) => alerts.length > 0)).toBe(true);
    expect(tests.some(({ exp_alerts: alerts }) => alerts.length === 0)).toBe(true);
    expect(read('docs/monitoring.md')).toContain(`| \`${alert}\` |`);
  },
);

it('the object for the Prometheus Operator has the same rules as the file for Prometheus', () => {
  const { kind, spec } = parse(read('manifests/monitoring/prometheus-rule.yaml'));
  expect(kind).toBe('PrometheusRule');
  expect(spec).toEqual(rulesFile);
});

it('the kustomization has the rules, and the dashboard for the sidecar of Grafana', () => {
  const { resources, configMapGenerator } = parse(read('manifests/monitoring/kustomization.yaml'));
  expect(resources).toEqual(['prometheus-rule.yaml']);
  expect(configMapGenerator).toMatchObject([
    { files: ['nodesweep.json=dashboard.json'], options: { labels: { grafana_dashboard: '1' } } },
  ]);
});

it('the overlay for notifications sets settings that exist, and mounts the Secret that the documentation names', () => {
  const [container] = parse(read('manifests/overlays/notifications/settings.yaml')).spec.template.spec.containers;
  const [volume] = parse(read('manifests/overlays/notifications/settings.yaml')).spec.template.spec.volumes;
  const { settings } = { settings: read('scheduler/settings/settings.ts') };
  for (const { name } of container.env) expect(settings).toContain(`'${name}'`);
  const { value } = container.env.find(({ name }: { name: string }) => name === 'NODESWEEP_NOTIFY_URL_FILE');
  expect(value).toBe(`${container.volumeMounts[0].mountPath}/url`);
  expect(volume.secret).toEqual({ secretName: 'nodesweep-notifications', optional: true });
  expect(container.name).toBe(parse(read('manifests/base/scheduler.yaml')).spec.template.spec.containers[0].name);
  expect(read('docs/monitoring.md')).toContain(volume.secret.secretName);
});
