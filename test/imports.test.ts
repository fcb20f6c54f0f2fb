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

const folders = ['scheduler', 'cleaner', 'commands'];
const paths = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
const files = [...paths.filter((path) => path.endsWith('.ts')), 'main.ts'].map(readSource);

const pure = {
  scheduler: [
    'policy',
    'schedule',
    'due',
    'pressure-trigger',
    'names',
    'trigger',
    'conditions',
    'eligibility',
    'node-progress',
    'rollout',
    'pod',
    'run',
    'record',
    'objects',
    'status',
    'summary',
    'retention',
    'events',
    'sockets',
    'labels',
    'lint',
    'manual',
    'forecast',
    'lease',
    'overview',
    'progress-line',
    'plan-pod',
    'plan-report',
    'plan-settings',
    'settings',
  ],
  cleaner: [
    'job',
    'duration',
    'reference',
    'glob',
    'wildcard',
    'keep-rules',
    'plan',
    'plan-build',
    'plan-document',
    'plan-cells',
    'plan-table',
    'explain',
    'explain-find',
    'table',
    'removal-order',
    'shared-layers',
    'image-times',
    'history',
    'history-format',
    'stall',
    'report',
  ],
};
const isPure = ({ path }: SourceFile) =>
  Object.entries(pure).some(([folder, names]) => names.some((name) => path === `${folder}/${name}.ts`));
const isMain = ({ path }: SourceFile) => basename(path) === 'main.ts';

/** The adapters, by the library that only they import. */
const adapters: Record<string, RegExp> = {
  '@kubernetes/client-node': /^scheduler\/kubernetes.*\.ts$/,
  'node:child_process': /^cleaner\/crictl(-process)?\.ts$/,
  execa: /^scheduler\/local-pods\.ts$/,
  dockerode: /^cleaner\/docker\.ts$/,
  'node:sqlite': /^cleaner\/history-lock\.ts$/,
  undici: /^scheduler\/kubernetes-(transport|api|verbs)\.ts$/,
  'prom-client': /^scheduler\/metrics.*\.ts$/,
  'node-cron': /^scheduler\/schedule\.ts$/,
};
const isAdapter = (path: string) => Object.values(adapters).some((pattern) => pattern.test(path));
const offenders = (condition: (file: SourceFile) => boolean) => files.filter(condition).map(({ path }) => path);

it('every file that is called pure exists', () => {
  const known = files.map(({ path }) => path);
  expect(Object.entries(pure).flatMap(([folder, names]) => names.map((name) => `${folder}/${name}.ts`))).toSatisfy(
    (all: string[]) => all.every((path) => known.includes(path)),
  );
});

it('pure files do no I/O, read no clock and write no log', () => {
  const impure = /^node:(?!crypto$|path$|util$|zlib$)|^(pino|execa|@kubernetes\/client-node|dockerode)$/;
  expect(offenders((file) => isPure(file) && file.imports.some((name) => impure.test(name)))).toEqual([]);
  expect(
    offenders(
      (file) =>
        isPure(file) && /Date\.now\(|new Date\(\)|performance\.|console\.|process\.|Math\.random/.test(file.text),
    ),
  ).toEqual([]);
});

const flows = [
  'scheduler/reconcile.ts',
  'scheduler/runner.ts',
  'scheduler/plan-remote.ts',
  'scheduler/plan-fresh.ts',
  'cleaner/inventory.ts',
  'cleaner/plan-node.ts',
  'cleaner/removal.ts',
];

it('pure files import neither flows nor adapters, but for their types', () => {
  const isForbidden = (name: string) => flows.includes(name) || (isAdapter(name) && name !== 'scheduler/schedule.ts');
  expect(offenders((file) => isPure(file) && file.runtimeImports.some(isForbidden))).toEqual([]);
});

it('flows import ports, never adapters', () => {
  expect(offenders((file) => flows.includes(file.path) && file.imports.some(isAdapter))).toEqual([]);
});

it.each(Object.entries(adapters))('only its adapter imports %s', (library, adapter) => {
  expect(offenders((file) => file.imports.includes(library) && !adapter.test(file.path))).toEqual([]);
});

it('only a main.ts reads the environment, makes the logger, installs signal handlers or exits', () => {
  const forbidden = /process\.(env|on|once|exit|exitCode)\b|\bpino\(/;
  expect(offenders((file) => !isMain(file) && forbidden.test(file.text))).toEqual([]);
});

it('the cleaner imports nothing of the scheduler, and the scheduler only the contract with the cleaner', () => {
  const contract = ['cleaner/job.ts', 'cleaner/report.ts', 'cleaner/plan-document.ts'];
  expect(
    offenders(
      ({ path, imports }) => path.startsWith('cleaner/') && imports.some((name) => name.startsWith('scheduler/')),
    ),
  ).toEqual([]);
  expect(
    offenders(
      ({ path, imports }) =>
        path.startsWith('scheduler/') &&
        imports.some((name) => name.startsWith('cleaner/') && !contract.includes(name)),
    ),
  ).toEqual([]);
});
