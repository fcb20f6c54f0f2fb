import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { bundledProgram } from '../helpers/bundle.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { namespace } from './objects.ts';

/** The kinds of sources whose producer has an overlay that these tests install. */
type Kind = 'url' | 'trivy';

/** An image set as a ConfigMap. */
export interface SetConfigMap {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
}

/** A producer of image sets that its overlay has installed. Its CronJob is suspended. */
export class SetProducer {
  readonly installation: Installation;
  /** A directory with a kustomization of the overlay, for further files of the tests. */
  readonly directory: string;
  /** The name of its objects. */
  readonly name: string;
  readonly #kind: Kind;

  constructor(installation: Installation, kind: Kind, directory: string) {
    this.installation = installation;
    this.directory = directory;
    this.name = `nodesweep-set-${kind}`;
    this.#kind = kind;
  }

  readonly kubectl = (...args: readonly string[]): Promise<string> => this.installation.kubectl(...args);

  /** The name of the service account as the API server knows it. */
  get account(): string {
    return `system:serviceaccount:${namespace}:${this.name}`;
  }

  /** Answers `yes` if the service account has a right, as `kubectl auth can-i` does. */
  can(...question: readonly string[]): Promise<string> {
    return this.kubectl('auth', 'can-i', ...question, `--as=${this.account}`).catch(() => 'no');
  }

  /** Applies the overlay, and suspends the CronJob. */
  async apply(): Promise<void> {
    await this.kubectl('apply', '-k', this.directory);
    await this.kubectl('patch', '-n', namespace, 'cronjob', this.name, '--patch', '{"spec":{"suspend":true}}');
  }

  async open(): Promise<void> {
    const overlay = join(import.meta.dirname, `../../manifests/overlays/image-set-${this.#kind}`);
    const components = [relative(this.directory, overlay)];
    const kustomization = { apiVersion: 'kustomize.config.k8s.io/v1beta1', components };
    await writeFile(join(this.directory, 'kustomization.yaml'), JSON.stringify(kustomization));
    await this.apply();
    await writeFile(join(this.directory, 'kubeconfig'), await this.#buildKubeconfig());
  }

  async close(): Promise<void> {
    await this.kubectl('delete', '-k', this.directory, '--ignore-not-found');
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Runs the command with the rights of the service account of the producer, or with those of the tests. */
  async run(rights: 'own' | 'all', ...args: readonly string[]) {
    const { KUBERNETES_SERVICE_HOST: _, ...environment } = process.env;
    const all = this.installation.cluster?.kubeconfig ?? process.env.KUBECONFIG ?? '';
    const env = { ...environment, KUBECONFIG: rights === 'own' ? join(this.directory, 'kubeconfig') : all };
    const command = [bundledProgram(), 'set', this.#kind, ...args, '-n', namespace];
    const { stdout, exitCode } = await execa(process.execPath, command, { reject: false, extendEnv: false, env });
    return { exitCode, line: JSON.parse(stdout.split('\n').at(-1) ?? '') };
  }

  async readSet(set: string): Promise<SetConfigMap> {
    return JSON.parse(await this.kubectl('get', 'configmap', '-n', namespace, set, '-o', 'json'));
  }

  /** The lines of a set without its comments. */
  async readLines(set: string): Promise<readonly string[]> {
    const { data = {} } = await this.readSet(set);
    return (data[`${this.#kind}.txt`] ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }

  /** The kubeconfig of the tests, with a token of the service account. */
  async #buildKubeconfig(): Promise<string> {
    const config = JSON.parse(await this.kubectl('config', 'view', '--raw', '--minify', '-o', 'json'));
    const token = await this.kubectl('create', 'token', '-n', namespace, this.name);
    return JSON.stringify({ ...config, users: [{ name: config.users[0].name, user: { token: token.trim() } }] });
  }
}

/** Installs a producer before the tests of a file, and removes it after them. Returns a function for the producer. */
export function useSetProducer(kind: Kind): () => SetProducer {
  let producer: SetProducer | undefined;
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), `nodesweep-set-${kind}-`));
    producer = new SetProducer(await install(), kind, directory);
    await producer.open();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail' && producer !== undefined) await keepEvidence(producer.installation, task.name);
  });
  afterAll(() => producer?.close());
  return () => {
    if (producer === undefined) throw new Error('the producer is installed before the first test');
    return producer;
  };
}
