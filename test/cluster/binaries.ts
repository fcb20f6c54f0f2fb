import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cached } from './cache.ts';
import { progress } from './progress.ts';

/** Directories and files of the executables that the cluster is made of, all built from Go modules. */
export interface Binaries extends RuntimeBinaries {
  /** Directory of etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet and kubectl. */
  readonly kubernetes: string;
}

/** All that a node takes that is a runtime and nothing else. */
export interface RuntimeBinaries {
  /** Directory of containerd 2, its shim and ctr. */
  readonly containerd: string;
  /** The static program inside test images. */
  readonly program: string;
}

/** Builds what is not in the cache yet: minutes the first time, nothing afterwards. A changed go.mod builds anew. */
export async function buildBinaries(): Promise<Binaries> {
  const runtime = await buildRuntimeBinaries();
  const kubernetes = await build({
    name: 'kubernetes',
    packages: ['tool'],
    variables: (versions) => kubernetesVersion(versions('k8s.io/kubernetes')),
    // Go names an executable after the last part of its package's path.
    finish: (directory) => rename(join(directory, 'server'), join(directory, 'etcd')),
  });
  return { ...runtime, kubernetes };
}

/** The same without Kubernetes, which takes a minute instead of several. */
export async function buildRuntimeBinaries(): Promise<RuntimeBinaries> {
  const program = await build({ name: 'program', packages: ['.'] });
  const containerd = await build({
    name: 'containerd',
    packages: ['tool'],
    tags: 'no_btrfs',
    variables: (versions) => ({
      'github.com/containerd/containerd/v2/version.Version': versions('github.com/containerd/containerd/v2'),
    }),
  });
  return { containerd, program: join(program, 'program') };
}

/** Builds kwok, which simulates nodes, and returns its path. */
export async function buildKwok(): Promise<string> {
  return join(await build({ name: 'kwok', packages: ['tool'] }), 'kwok');
}

/** Builds helm, and returns its path. */
export async function buildHelm(): Promise<string> {
  const directory = await build({
    name: 'helm',
    packages: ['tool'],
    variables: (versions) => ({ 'helm.sh/helm/v4/internal/version.version': versions('helm.sh/helm/v4') }),
  });
  return join(directory, 'helm');
}

/** Builds actionlint, which checks workflows of GitHub Actions, and returns its path. */
export async function buildActionlint(): Promise<string> {
  return join(await build({ name: 'actionlint', packages: ['tool'] }), 'actionlint');
}

/** Builds all that the end-to-end tests take. */
export async function buildAll(): Promise<void> {
  await buildBinaries();
  await buildKwok();
  await buildHelm();
  await buildActionlint();
}

interface Module {
  readonly name: string;
  readonly packages: readonly string[];
  readonly tags?: string;
  /** Variables that the linker sets, found by module versions: without them the executables call themselves v0.0.0. */
  readonly variables?: (versions: (module: string) => string) => Readonly<Record<string, string>>;
  readonly finish?: (directory: string) => Promise<void>;
}

async function build(module: Module): Promise<string> {
  const source = join(import.meta.dirname, 'binaries', module.name);
  const goMod = await readFile(join(source, 'go.mod'), 'utf8');
  const arguments_ = buildArguments(module, goMod);
  const inputs = module.packages.includes('.') ? [await readFile(join(source, 'main.go'), 'utf8')] : [];
  return cached(module.name, [goMod, ...arguments_, ...inputs], async (directory) => {
    progress(`Building ${module.name} from Go modules (once; kubernetes and kwok take several minutes)`);
    await goBuild(source, [...arguments_, '-o', `${directory}/`, ...module.packages]);
    await module.finish?.(directory);
    progress(`Built ${module.name}`);
  });
}

function buildArguments(module: Module, goMod: string): readonly string[] {
  const variables = module.variables?.((name) => requiredVersion(goMod, name)) ?? {};
  const linked = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
  const tags = module.tags === undefined ? [] : ['-tags', module.tags];
  return ['-v', '-buildvcs=false', ...tags, '-ldflags', ['-s -w', ...linked].join(' ')];
}

/** Static executables: they run in images without a C library too. */
async function goBuild(source: string, arguments_: readonly string[]): Promise<void> {
  const building = execa('go', ['build', ...arguments_], { cwd: source, env: { CGO_ENABLED: '0', GOWORK: 'off' } });
  let packages = 0;
  const ticking = setInterval(() => progress(`  ${packages} packages compiled`), 30_000);
  try {
    for await (const _line of building.iterable({ from: 'stderr' })) packages += 1;
    await building;
  } catch (error) {
    const hint = 'the test cluster is built with Go 1.26 or newer, and from the Go module proxy';
    throw new Error(`${source} can't be built: ${hint}`, { cause: error });
  } finally {
    clearInterval(ticking);
  }
}

function kubernetesVersion(version: string): Readonly<Record<string, string>> {
  const [major = '', minor = ''] = version.replace(/^v/, '').split('.');
  const variable = (name: string) => `k8s.io/component-base/version.${name}`;
  return { [variable('gitVersion')]: version, [variable('gitMajor')]: major, [variable('gitMinor')]: minor };
}

function requiredVersion(goMod: string, module: string): string {
  const words = goMod.split(/\s+/);
  const version = words.find((word, index) => words[index - 1] === module && word.startsWith('v'));
  if (version === undefined)
    throw new Error(`go.mod requires no ${module}: add it, so that its version can be linked in`);
  return version;
}
