/** The names of the distributions that record the arguments of a node in its annotations. */
export type RancherDistribution = 'k3s' | 'rke2';

/** The choices of a k3s or RKE2 node that its arguments show. */
export interface NodeArguments {
  /** The directory of all data of the distribution; absent if it is not an absolute path. */
  readonly dataDirectory: string | undefined;
  /** The path of the runtime that replaces the distribution's own containerd, or with `usesDocker` the path of Docker's socket. */
  readonly runtimeEndpoint: string | undefined;
  readonly usesDocker: boolean;
}

/** The arguments can't be read, so they may name any runtime and any directory. */
const unknown = { dataDirectory: undefined, runtimeEndpoint: '', usesDocker: false } as const satisfies NodeArguments;

/**
 * Reads the arguments and the environment of k3s or RKE2 on a node. The arguments include those of the configuration file,
 * which come first, so the last value counts: https://github.com/k3s-io/k3s/blob/main/pkg/nodeconfig/nodeconfig.go.
 */
export function readNodeArguments(
  distribution: RancherDistribution,
  annotations: Readonly<Record<string, string>> = {},
): NodeArguments {
  const words = parse(annotations[`${distribution}.io/node-args`] ?? '[]');
  const environment = parse(annotations[`${distribution}.io/node-env`] ?? '{}');
  if (!isListOfWords(words) || !isRecord(environment)) return unknown;
  const last = (...flags: readonly string[]) => valuesOf(words, flags).at(-1);
  const isSet = (flag: string) => ![undefined, 'false'].includes(last(flag));
  const named = last('data-dir', 'd') ?? environment[`${distribution.toUpperCase()}_DATA_DIR`];
  // Without root the default is a directory of a user, which the arguments do not show.
  const usual = isSet('rootless') ? undefined : `/var/lib/rancher/${distribution}`;
  return {
    dataDirectory: absolutePath(named ?? usual),
    runtimeEndpoint: (last('container-runtime-endpoint') ?? endpointOfKubelet(words))?.replace(/^unix:\/\//, ''),
    usesDocker: isSet('docker'),
  };
}

/** Arguments for the kubelet replace those that k3s and RKE2 give to it. */
function endpointOfKubelet(words: readonly string[]): string | undefined {
  return valuesOf(words, ['kubelet-arg'])
    .flatMap((argument) => /^(?:--)?container-runtime-endpoint=(.*)$/.exec(argument)?.[1] ?? [])
    .at(-1);
}

/** The values of flags, which are behind an equals sign or in the next word. A flag at the end has the value `''`. */
function valuesOf(words: readonly string[], flags: readonly string[]): readonly string[] {
  return words.flatMap((word, index) => {
    const [, flag = '', value] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    return flags.includes(flag) ? [value ?? words[index + 1] ?? ''] : [];
  });
}

/** The path, without a slash at its end; undefined for a path that the kubelet would not mount as it is written. */
function absolutePath(path: unknown): string | undefined {
  if (typeof path !== 'string' || !/^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+\/?$/.test(path)) return undefined;
  return path.replace(/\/$/, '');
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isListOfWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
