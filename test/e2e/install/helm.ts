import { join } from 'node:path';
import { execa } from 'execa';
import { parseAllDocuments } from 'yaml';
import { buildBinaries, buildHelm } from '../../cluster/binaries.ts';
import { namespace } from '../objects.ts';

export const chart = join(import.meta.dirname, '../../../manifests/chart');
export const manifests = join(import.meta.dirname, '../../../manifests');

/** An object of a cluster, as far as the tests look at it. */
export interface ClusterObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Runs helm, and returns what it prints. Rejects with the words of helm. */
export async function helm(...arguments_: readonly string[]): Promise<string> {
  return (await execa(await buildHelm(), arguments_)).stdout;
}

/** The chart as text, rendered with values that are written as YAML. */
export async function renderText(values: string): Promise<string> {
  const command = ['template', 'nodesweep', chart, '--namespace', namespace, '--values', '-'];
  return (await execa(await buildHelm(), command, { input: values })).stdout;
}

/** The objects of the chart, rendered with values. */
export async function render(values: object): Promise<readonly ClusterObject[]> {
  return objectsOf(await renderText(JSON.stringify(values)));
}

/** The objects that kustomize builds from a directory. */
export async function kustomize(directory: string): Promise<readonly ClusterObject[]> {
  const { kubernetes } = await buildBinaries();
  return objectsOf((await execa(join(kubernetes, 'kubectl'), ['kustomize', directory])).stdout);
}

function objectsOf(text: string): readonly ClusterObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS())
    .filter((object) => object !== null);
}
