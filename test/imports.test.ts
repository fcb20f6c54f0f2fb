import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
  /** The imports that are there when the program runs: those of types are not. */
  readonly runtimeImports: readonly string[];
}

/** Every import of a file, dynamic ones and those of types too; relative ones as paths from the top. */
function readSource(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  const imports = importsOf(path, text);
  return { path, text, imports, runtimeImports: importsOf(path, text.replaceAll(/^import type [^;]*;/gm, '')) };
}

function importsOf(path: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => specifier);
  return specifiers.map((specifier) => (specifier.startsWith('.') ? join(dirname(path), specifier) : specifier));
}

const paths = ['cli', 'contract', 'cleaner', 'puller', 'scheduler', 'sets'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
);
const files = [...paths.filter((path) => path.endsWith('.ts')), 'main.ts'].map(readSource);

/** Decisions and data: no I/O, no clock, no log. */
const pureFolders = [
  'contract',
  'contract/http',
  'contract/images',
  'cleaner/plan',
  'cleaner/sets',
  'scheduler/policy',
  'scheduler/policy/files',
  'scheduler/policy/words',
  'scheduler/yaml',
  'scheduler/run',
  'scheduler/run/results',
  'scheduler/run/rollout',
  'scheduler/journal',
  'scheduler/status',
  'scheduler/notifications',
  'scheduler/overview',
  'scheduler/page',
  'scheduler/page/pages',
  'scheduler/page/parts',
  'scheduler/page/view',
  'scheduler/sets',
  'scheduler/cleanup',
  'scheduler/copies',
  'scheduler/prepull',
  'scheduler/prepull/lists',
  'scheduler/prepull/puller',
  'scheduler/prepull/removal',
  'scheduler/prepull/states',
  'scheduler/pods',
  'cli/findings',
  'cli/output',
  'cli/output/layout',
  'cli/output/run',
  'sets/reading',
  'sets/reasons',
  'sets/trivy/images',
  'sets/harbor/look',
];
/** Folders of code that does a thing step by step, by way of ports. */
const flowFolders = [
  'cleaner',
  'cleaner/removal',
  'scheduler',
  'scheduler/reconcile',
  'scheduler/reconcile/ledger',
  'scheduler/reconcile/nodes',
  'scheduler/reconcile/startup',
  'sets',
  'sets/trivy',
];
/** Each library, and the only folders that may import it. */
const adapters: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['scheduler/kubernetes', 'scheduler/kubernetes/api'],
  undici: ['scheduler/kubernetes/api', 'scheduler/webhook', 'scheduler/registry', 'sets/download', 'sets/http'],
  dockerode: ['cleaner/runtime/docker'],
  'node:child_process': ['cleaner/runtime/crictl'],
  execa: ['scheduler/local'],
  'node:sqlite': ['cleaner/history'],
  'prom-client': ['scheduler/metrics'],
};
const adapterFolders = [
  'scheduler/kubernetes',
  'scheduler/kubernetes/api',
  'scheduler/kubernetes/pods',
  'scheduler/local',
  'scheduler/webhook',
  'scheduler/registry',
  'cleaner/runtime/crictl',
  'cleaner/runtime/docker',
  'sets/checking',
  'sets/download',
  'sets/file',
  'sets/harbor',
  'sets/http',
  'sets/kubernetes',
  'sets/output',
];

const isIn = (path: string, folders: readonly string[]) => folders.includes(dirname(path));
const isPure = ({ path }: SourceFile) => isIn(path, pureFolders);
const isMain = ({ path }: SourceFile) => basename(path) === 'main.ts';
const offenders = (isOffending: (file: SourceFile) => boolean) => files.filter(isOffending).map(({ path }) => path);

it('every folder that is named in a rule exists', () => {
  const folders = new Set(files.map(({ path }) => dirname(path)));
  const named = [...pureFolders, ...flowFolders, ...adapterFolders, ...Object.values(adapters).flat()];
  expect(named.filter((folder) => !folders.has(folder))).toEqual([]);
});

it('pure folders do no I/O, read no clock and write no log', () => {
  const impure = /^node:(?!crypto$|path$|util$|zlib$)|^(pino|execa|@kubernetes\/client-node|dockerode)$/;
  const reading = /Date\.now\(|new Date\(\)|performance\.|console\.|process\.(?!stdout\.isTTY)|Math\.random/;
  expect(
    offenders((file) => isPure(file) && (file.imports.some((name) => impure.test(name)) || reading.test(file.text))),
  ).toEqual([]);
});

it('pure folders import no flow and no adapter, except for their types', () => {
  const isForbidden = (name: string) => isIn(name, [...flowFolders, ...adapterFolders]);
  expect(offenders((file) => isPure(file) && file.runtimeImports.some(isForbidden))).toEqual([]);
});

it('flows import ports, never adapters; a main.ts puts both together', () => {
  const isOffending = (file: SourceFile) => isIn(file.path, flowFolders) && !isMain(file);
  expect(offenders((file) => isOffending(file) && file.imports.some((name) => isIn(name, adapterFolders)))).toEqual([]);
});

it.each(Object.entries(adapters))('only its adapter imports %s, except for its types', (library, folders) => {
  const isOffending = ({ path, runtimeImports }: SourceFile) =>
    runtimeImports.includes(library) && !isIn(path, folders);
  expect(offenders(isOffending)).toEqual([]);
});

it('only a main.ts reads the environment, makes the logger, installs signal handlers or exits', () => {
  const forbidden = /process\.(env|on|once|exit|exitCode)\b|\bpino\(/;
  expect(offenders((file) => !isMain(file) && forbidden.test(file.text))).toEqual([]);
});

it('the code for policies, runs, records and statuses does not import the code for cleaning or pulling; only the list of kinds does', () => {
  const folders = [
    'policy',
    'policy/files',
    'policy/words',
    'run',
    'run/results',
    'run/rollout',
    'pods',
    'journal',
    'status',
    'sets',
    'reconcile',
    'reconcile/ledger',
    'reconcile/nodes',
    'reconcile/startup',
  ].map((folder) => `scheduler/${folder}`);
  const isOfKind = (name: string) => /^scheduler\/(?:cleanup|prepull)\//.test(name);
  expect(offenders((file) => isIn(file.path, folders) && file.imports.some(isOfKind))).toEqual([]);
});

it('the cleaner, the puller and the scheduler import the contract and not each other', () => {
  const programs = ['cleaner/', 'puller/', 'scheduler/'];
  const imports = (from: string) =>
    offenders(({ path, imports }) => {
      const others = programs.filter((program) => program !== from);
      return path.startsWith(from) && imports.some((name) => others.some((other) => name.startsWith(other)));
    });
  expect(programs.flatMap(imports)).toEqual([]);
});

it('producers of image sets import the contract, and of the scheduler only its connection to the API server', () => {
  const isOther = (name: string) => /^(?:cleaner|puller|scheduler)\//.test(name);
  const isConnection = (name: string) =>
    name.startsWith('scheduler/kubernetes/api/') || name === 'scheduler/kubernetes/kubeconfig.ts';
  const isForbidden = (name: string) => isOther(name) && !isConnection(name);
  expect(offenders(({ path, imports }) => path.startsWith('sets/') && imports.some(isForbidden))).toEqual([]);
  const isOfSets = (name: string) => name.startsWith('sets/');
  expect(offenders(({ path, imports }) => isOther(path) && imports.some(isOfSets))).toEqual([]);
});

it('nothing outside of the command line imports it', () => {
  const isCommandLine = (name: string) => name.startsWith('cli/') || name === 'main.ts';
  expect(
    offenders(({ path, imports }) => !path.startsWith('cli/') && path !== 'main.ts' && imports.some(isCommandLine)),
  ).toEqual([]);
});
