import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildBinaries } from '../cluster/binaries.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildImageSpec, buildRunnableImageSpec, fillerLayers, writeImages } from '../helpers/images.ts';
import { buildUserPod, readImageNames } from './images.ts';
import { buildPolicy, namespace, readImageLines, waitForRun } from './objects.ts';
import { useSetProducer } from './set-producer.ts';
import { buildClusterReport, buildReportDefinition, buildWorkloadReport, reportGroup } from './trivy-operator.ts';

const set = 'cve-critical';
const definitions = [`vulnerabilityreports.${reportGroup}`, `clustervulnerabilityreports.${reportGroup}`];
const critical = ['CVE-2026-1 CRITICAL 9.8', 'CVE-2026-2 CRITICAL 9.1 2.0'];

const producer = useSetProducer('trivy');
const kubectl = (...args: readonly string[]) => producer().kubectl(...args);
const apply = (...objects: readonly object[]) => producer().installation.apply(...objects);
const produce = (...options: readonly string[]) => producer().run('own', '--name', set, ...options);
const readLines = () => producer().readLines(set);

afterAll(async () => {
  await kubectl('delete', 'crd', ...definitions, '--ignore-not-found');
});

const digestOf = (index: number) => `sha256:${index.toString(16).padStart(64, '0')}`;
const deleteReports = () =>
  kubectl('delete', 'vulnerabilityreports,clustervulnerabilityreports', '-A', '--all', '--wait=true');

describe('the producer for Trivy Operator with the rights of its overlay, on a real API server,', () => {
  it('says that Trivy Operator is not installed, and leaves the set as it is (S8, S9)', async () => {
    const { exitCode, line } = await produce();
    expect(exitCode).toBe(1);
    expect(line.msg).toContain(`the cluster has no vulnerabilityreports.${reportGroup}: install Trivy Operator`);
    expect(await readLines()).toEqual([]);
  });

  it('reads all pages of the reports of all namespaces, and remembers images whose reports are gone (S9)', async () => {
    await apply(buildReportDefinition('VulnerabilityReport'), buildReportDefinition('ClusterVulnerabilityReport'));
    await kubectl('wait', '--for=condition=Established', '--timeout=60s', ...definitions.map((name) => `crd/${name}`));
    const reports = Array.from({ length: 35 }, (_, index) =>
      buildWorkloadReport(`replicaset-app-${index}`, {
        repository: `acme/app-${index}`,
        tag: '1',
        digest: digestOf(index),
        vulnerabilities: index < 30 ? critical : ['CVE-2026-3 HIGH 7'],
      }),
    );
    const ofCluster = buildClusterReport('of-cluster', {
      server: 'quay.io',
      repository: 'a/b',
      tag: '1',
      vulnerabilities: critical,
    });
    await apply(...reports, ofCluster);
    expect(await produce()).toMatchObject({ exitCode: 0, line: { outcome: 'Written', images: 31, added: 31 } });
    const lines = await readLines();
    expect(lines).toContain(`docker.io/acme/app-7@${digestOf(7)} # CVE-2026-1 critical and 1 more, by trivy`);
    expect(lines).toContain('quay.io/a/b:1 # CVE-2026-1 critical and 1 more, by trivy');

    await deleteReports();
    expect(await produce()).toMatchObject({ exitCode: 0, line: { images: 31, added: 0, removed: 0 } });
    const today = new Date().toISOString().slice(0, 10);
    expect(await readLines()).toEqual(lines.map((line) => `${line}, last reported ${today}`));
    expect(await produce('--fixable', '--severity', 'HIGH')).toMatchObject({ exitCode: 0, line: { images: 0 } });
  });

  it('says which right is missing, and leaves the set as it is (S8, S9)', async () => {
    await apply(buildWorkloadReport('replicaset-app', { repository: 'acme/app', tag: '1', vulnerabilities: critical }));
    await produce();
    const before = await readLines();
    await kubectl('delete', 'clusterrolebinding', producer().name);
    // The API server takes a moment to forget a right.
    const { line } = await waitFor('the missing right', 60_000, async () => {
      const result = await produce();
      return result.exitCode === 1 ? result : undefined;
    });
    expect(line.msg).toContain(`allow the producer to list vulnerabilityreports.${reportGroup} in all namespaces`);
    expect(before).toEqual(['docker.io/acme/app:1 # CVE-2026-1 critical and 1 more, by trivy']);
    expect(await readLines()).toEqual(before);
    await producer().apply();
  });

  it('can do nothing else (S9)', async () => {
    const can = (...question: readonly string[]) => producer().can(...question);
    // The API server takes a moment to know a right again.
    await waitFor('the right to be back', 60_000, async () => {
      const answer = await can('list', definitions[0] ?? '', '--all-namespaces');
      return answer.trim() === 'yes' || undefined;
    });
    expect(await can('update', `configmap/${set}-memory`, '-n', namespace)).toBe('yes');
    for (const question of [
      ['get', definitions[0] ?? '', '--all-namespaces'],
      ['watch', definitions[0] ?? '', '--all-namespaces'],
      ['list', 'pods', '--all-namespaces'],
      ['list', 'secrets', '--all-namespaces'],
      ['list', 'configmaps', '-n', namespace],
      ['create', 'configmaps', '-n', namespace],
      ['delete', `configmap/${set}`, '-n', namespace],
    ])
      expect([question, await can(...question)]).toEqual([question, 'no']);
  });
});

/** The repositories of the images of each node. */
const [used, unused, clean] = ['scanned.test/acme/used', 'scanned.test/acme/unused', 'scanned.test/acme/clean'];

/** Puts three images on each node, runs one of them, and returns the digests of all. */
async function fillNodes({ nodes }: Cluster): Promise<ReadonlyMap<string, string>> {
  const { program } = await buildBinaries();
  const specs = [
    await buildRunnableImageSpec(`${used}:1`, program),
    buildImageSpec({ names: [`${unused}:1`], layers: fillerLayers('scanned-unused') }),
    buildImageSpec({ names: [`${clean}:1`], layers: fillerLayers('scanned-clean') }),
  ].map((spec) => ({ ...spec, digestRepositories: spec.names.map((name) => name.replace(/:1$/, '')) }));
  const tar = join(producer().directory, 'images.tar');
  const written = await writeImages(tar, specs);
  for (const node of nodes) {
    await node.importImages(tar);
    await apply(buildUserPod(`scanned-${node.name}`, node.name, `${used}:1`));
    await kubectl('wait', '-n', 'default', '--for=condition=Ready', '--timeout=60s', `pod/scanned-${node.name}`);
  }
  return new Map(written.map(({ digest }, index) => [specs[index]?.digestRepositories[0] ?? '', digest]));
}

describe.skipIf(process.env.KUBECONFIG !== undefined)('from a report of Trivy Operator to the nodes', () => {
  it('the job of the overlay fills the set, and the next run removes the unused vulnerable image of each node, keeps the used one, and says why (S2, S7, S9)', async () => {
    const { cluster } = producer().installation;
    if (cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    const digests = await fillNodes(cluster);
    const reportOf = (repository: string, vulnerabilities: readonly string[]) => {
      const [server = '', ...path] = repository.split('/');
      const fields = { server, repository: path.join('/'), tag: '1', digest: digests.get(repository), vulnerabilities };
      return buildWorkloadReport(`replicaset-${path.at(-1)}`, fields);
    };
    await apply(reportOf(used, critical), reportOf(unused, critical), reportOf(clean, []));
    await kubectl('create', 'job', '-n', namespace, 'look', `--from=cronjob/${producer().name}`);
    await kubectl('wait', '-n', namespace, '--for=condition=Complete', '--timeout=120s', 'job/look');
    expect(await kubectl('logs', '-n', namespace, 'job/look')).toContain('"outcome":"Written"');
    await kubectl('delete', 'job', '-n', namespace, 'look');

    const images = { include: ['scanned.test/acme/**'], includeFrom: [set], maxSetAge: '1h', minAge: '0s' };
    await apply(buildPolicy('vulnerable', { schedule: '@yearly', images }, { 'nodesweep.io/run-at': 'now' }));
    const run = await waitForRun(kubectl, 'vulnerable');
    const lines = await readImageLines(kubectl, 'vulnerable');
    const left = await Promise.all(cluster.nodes.map(readImageNames));
    await kubectl('delete', 'configmap', '-n', namespace, 'vulnerable');
    await kubectl('delete', 'pod', '-n', 'default', ...cluster.nodes.map(({ name }) => `scanned-${name}`));

    expect(run).toMatchObject({ phase: 'Succeeded', nodes: { succeeded: 2 }, images: { removed: 2 } });
    for (const names of left) {
      expect(names).toEqual(expect.arrayContaining([`${used}:1`, `${clean}:1`]));
      expect(names.filter((name) => name.startsWith(unused))).toEqual([]);
    }
    const about = (repository: string) => lines.filter(({ names }) => names.includes(`${repository}:1`));
    expect(about(unused)).toMatchObject([
      { decision: 'remove', outcome: 'removed', set },
      { decision: 'remove', outcome: 'removed', set },
    ]);
    expect(JSON.stringify(about(unused))).toContain(`image set ${set}: CVE-2026-1 critical and 1 more, by trivy`);
    expect(about(used).map(({ reason }) => reason)).toEqual(['InUse', 'InUse']);
    expect(about(clean).map(({ reason }) => reason)).toEqual(['NotIncluded', 'NotIncluded']);
  });
});
