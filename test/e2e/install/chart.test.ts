import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runKinds } from '../../../scheduler/kinds.ts';
import { lintText } from '../../../scheduler/policy/lint.ts';
import { readSettings } from '../../../scheduler/settings/settings.ts';
import { type ClusterObject, chart, helm, render, renderText } from './helm.ts';

const directory = join(import.meta.dirname, 'values');
const examples = readdirSync(directory);
const one = (objects: readonly ClusterObject[], kind: string) => {
  const [first, ...others] = objects.filter((object) => object.kind === kind);
  if (first === undefined || others.length > 0) throw new Error(`not one ${kind}`);
  return first;
};

const dataOf = (maps: readonly ClusterObject[], name: string) =>
  (maps.find(({ metadata }) => metadata.name === name)?.data ?? {}) as Readonly<Record<string, string>>;

/** The settings as the scheduler of a rendered chart reads them. */
async function settingsWith(values: object) {
  const { spec } = JSON.parse(JSON.stringify(one(await render(values), 'Deployment')));
  const { env } = spec.template.spec.containers[0];
  const set = env.filter(({ value }: { value?: string }) => value !== undefined);
  return readSettings({}, Object.fromEntries(set.map(({ name, value }: Record<string, string>) => [name, value])));
}

/** The documents of the policies of a rendered chart, by the names of the policies. */
async function policiesWith(values: object) {
  const maps = (await render(values)).filter(({ kind }) => kind === 'ConfigMap');
  return Object.fromEntries(
    maps.map(({ metadata, data }) => [
      metadata.name,
      Object.values(data as Record<string, string>).map((text) => parse(text))[0],
    ]),
  );
}

describe.each(examples)('the chart with the values of %s', (name) => {
  const path = join(directory, name);

  it('has nothing that helm lint finds', async () => {
    expect(await helm('lint', '--strict', chart, '--values', path)).toContain('0 chart(s) failed');
  });

  it('is as in its golden file', async () => {
    await expect(await renderText(readFileSync(path, 'utf8'))).toMatchFileSnapshot(`golden/${name}`);
  });

  it('has only valid policies', async () => {
    const maps = (await render(parse(readFileSync(path, 'utf8')) ?? {})).filter(
      ({ metadata: { labels = {} } }) => labels['nodesweep.io/kind'] === 'policy',
    );
    const problems = maps.flatMap((map) => lintText('policy.yaml', JSON.stringify(map), runKinds).problems);
    expect(problems).toEqual([]);
  });
});

describe('values of the chart', () => {
  it('reach the scheduler as it reads them', async () => {
    const values = {
      image: { pullSecrets: ['one', 'two'] },
      settings: { NODESWEEP_API_RATE: 100, NODESWEEP_LOG_LEVEL: 'debug', NODESWEEP_LEADER_ELECTION: false },
      cleaner: {
        priorityClassName: '',
        resources: { requests: { cpu: '10m' }, limits: { memory: '300Mi', cpu: 1 } },
        podLabels: { team: 'nodes' },
        podAnnotations: { 'example.com/a': 'b=c' },
        seLinuxType: 'spc_t',
        sockets: ['/run/a.sock@pool=gpu', '/run/b.sock'],
        stateDirectories: ['/data/nodesweep'],
        tolerations: [
          { key: 'pool', value: 'ci', effect: 'NoSchedule' },
          { key: 'gpu', operator: 'Exists', effect: 'NoExecute' },
          { key: 'any', operator: 'Exists' },
        ],
      },
      workloadResources: ['rollouts.argoproj.io/v1alpha1'],
    };
    expect(await settingsWith(values)).toMatchObject({
      imagePullSecrets: ['one', 'two'],
      apiRate: 100,
      logLevel: 'debug',
      leaderElection: false,
      priorityClass: '',
      requests: { cpu: '10m' },
      limits: { memory: '300Mi', cpu: '1' },
      podLabels: { team: 'nodes' },
      podAnnotations: { 'example.com/a': 'b=c' },
      seLinuxType: 'spc_t',
      sockets: [{ path: '/run/a.sock', label: { key: 'pool', value: 'gpu' } }, { path: '/run/b.sock' }],
      stateDirectories: [{ path: '/data/nodesweep' }],
      tolerations: [
        { key: 'pool', operator: 'Equal', value: 'ci', effect: 'NoSchedule' },
        { key: 'gpu', operator: 'Exists', effect: 'NoExecute' },
        { key: 'any', operator: 'Exists' },
      ],
      workloadResources: ['rollouts.argoproj.io/v1alpha1'],
    });
  });

  it('keep large numbers as they are', async () => {
    const values = {
      settings: { NODESWEEP_API_RATE: 1_000_000 },
      cleaner: { resources: { limits: { memory: 268_435_456 } } },
    };
    expect(await settingsWith(values)).toMatchObject({ apiRate: 1_000_000, limits: { memory: '268435456' } });
  });

  it('give the scheduler the right to list each kind of workloads that they name', async () => {
    const objects = await render({ workloadResources: ['rollouts.argoproj.io/v1alpha1'] });
    expect(one(objects, 'ClusterRole').rules).toContainEqual({
      apiGroups: ['argoproj.io'],
      resources: ['rollouts'],
      verbs: ['list'],
    });
  });

  it('never give a right to read a secret, to use all resources, or to change nodes (P4, P22)', async () => {
    const texts = examples.map((name) => readFileSync(join(directory, name), 'utf8'));
    const objects = (await Promise.all(texts.map((text) => render(parse(text) ?? {})))).flat();
    const roles = objects.filter(
      ({ kind, metadata }) => kind.endsWith('Role') && metadata.name !== 'nodesweep-startup-taint',
    );
    const rules = roles.flatMap((role) => role.rules as { resources: string[]; verbs: string[] }[]);
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.filter(({ resources }) => resources.some((name) => name === '*' || name === 'secrets'))).toEqual([]);
    const onNodes = rules.filter(({ resources }) => resources.includes('nodes'));
    expect(new Set(onNodes.flatMap(({ verbs }) => verbs))).toEqual(new Set(['get', 'list', 'watch']));
  });

  it('do not replace the labels by which objects are found', async () => {
    const own = { 'app.kubernetes.io/component': 'mine', 'nodesweep.io/kind': 'mine', team: 'nodes' };
    const objects = await render({ labels: own, scheduler: { podLabels: own }, annotations: { 'example.com/a': 'b' } });
    for (const { metadata } of objects)
      expect(metadata).toMatchObject({ labels: { team: 'nodes' }, annotations: { 'example.com/a': 'b' } });
    expect(one(objects, 'ConfigMap').metadata.labels).toMatchObject({ 'nodesweep.io/kind': 'policy' });
    expect(one(objects, 'Deployment')).toMatchObject({
      spec: { template: { metadata: { labels: { 'app.kubernetes.io/component': 'scheduler', team: 'nodes' } } } },
    });
  });

  it('narrow the nodes of all policies, and widen none', async () => {
    const list = { name: 'base', images: ['docker.io/acme/base:1'] };
    const found = await policiesWith({
      cleaner: { nodeSelector: { tier: 'work' } },
      policies: {
        all: { cleanup: { schedule: '@daily' } },
        ci: { cleanup: 'schedule: "@daily"\nnodes:\n  matchLabels: {pool: ci}\n' },
        lists: {
          prepull: {
            schedule: '@hourly',
            lists: [list, { ...list, name: 'gpu', nodes: { matchLabels: { pool: 'gpu' } } }],
          },
        },
      },
    });
    expect(found.all.nodes).toEqual({ matchLabels: { tier: 'work' } });
    expect(found.ci.nodes).toEqual({ matchLabels: { pool: 'ci', tier: 'work' } });
    expect(found.example.nodes).toEqual({ matchLabels: { tier: 'work' } });
    const lists: { nodes: object }[] = found.lists.lists;
    expect(lists.map(({ nodes }) => nodes)).toEqual([
      { matchLabels: { tier: 'work' } },
      { matchLabels: { pool: 'gpu', tier: 'work' } },
    ]);
  });

  it('leave out a policy that is null, and keep large numbers and texts of policies as they are', async () => {
    const text = '# Every night.\nschedule: "0 3 * * *"\n';
    const objects = await render({
      policies: {
        example: null,
        text: { cleanup: text },
        large: { cleanup: { schedule: '@daily', ttlSecondsAfterFinished: 1_209_600 } },
      },
    });
    const maps = objects.filter(({ kind }) => kind === 'ConfigMap');
    expect(maps.map(({ metadata }) => metadata.name).sort()).toEqual(['large', 'text']);
    expect(dataOf(maps, 'text')).toEqual({ 'cleanup.yaml': text });
    const { 'cleanup.yaml': document = '' } = dataOf(maps, 'large');
    expect(lintText('cleanup.yaml', document, runKinds).problems).toEqual([]);
    expect(parse(document).ttlSecondsAfterFinished).toBe(1_209_600);
  });

  it('make a disruption budget only with two replicas, so that one replica stops no drain', async () => {
    const budgets = async (replicas: number) =>
      (await render({ scheduler: { replicas } })).filter(({ kind }) => kind === 'PodDisruptionBudget').length;
    expect([await budgets(0), await budgets(1), await budgets(2)]).toEqual([0, 0, 1]);
  });

  it.each([
    { of: 'a misspelt value', values: { cleaner: { seLinuxtype: 'spc_t' } }, message: 'seLinuxtype' },
    {
      of: 'a misspelt field of a policy',
      values: { policies: { a: { cleanup: { schedule: '@daily', dryrun: true } } } },
      message: 'dryrun',
    },
    {
      of: 'a policy without a schedule',
      values: { policies: { a: { cleanup: { dryRun: true } } } },
      message: 'schedule',
    },
    { of: 'a policy of no kind', values: { policies: { a: { clean: {} } } }, message: 'clean' },
    {
      of: 'a policy that is no YAML',
      values: { cleaner: { nodeSelector: { a: 'b' } }, policies: { a: { cleanup: 'a: [' } } },
      message: 'no YAML document',
    },
    {
      of: 'a critical priority class',
      values: { cleaner: { priorityClassName: 'system-node-critical' } },
      message: 'priorityClassName',
    },
    {
      of: 'a setting that has a value of its own',
      values: { settings: { NODESWEEP_IMAGE: 'other' } },
      message: 'NODESWEEP_IMAGE',
    },
    {
      of: 'an annotation with a space',
      values: { cleaner: { podAnnotations: { a: 'b c' } } },
      message: 'podAnnotations',
    },
    { of: 'a relative path', values: { cleaner: { sockets: ['run/a.sock'] } }, message: 'sockets' },
    { of: 'a status page for everybody', values: { statusPage: { from: [] } }, message: 'from' },
    {
      of: 'two monitors',
      values: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } },
      message: 'count twice',
    },
    {
      of: 'a policy for nodes that can not exist',
      values: {
        cleaner: { nodeSelector: { a: 'b' } },
        policies: { a: { cleanup: { schedule: '@daily', nodes: { matchLabels: { a: 'c' } } } } },
      },
      message: 'no node has both',
    },
  ])('are refused with $of', async ({ values, message }) => {
    await expect(render(values)).rejects.toThrow(message);
  });
});
