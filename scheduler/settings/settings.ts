import * as z from 'zod';
import { annotationKeyProblem, labelKeyProblem, labelValueProblem } from '../../contract/labels.ts';
import { messageFormats } from '../notifications/message.ts';
import type { PodTemplate } from '../pods/pod-template.ts';
import { ownPriorityClass } from '../pods/priority.ts';
import {
  count,
  emptyAsAbsent,
  flag,
  hostsSchema,
  levels,
  maxPort,
  overrideSchema,
  pairs,
  pathsSchema,
  plainHostsSchema,
  priorityClass,
  quantityProblem,
  resourcesSchema,
  seLinuxType,
  tolerationsSchema,
  wordsOf,
} from './values.ts';

/** One setting of the scheduler: an environment variable, and a flag that takes precedence. */
export interface Setting {
  readonly variable: string;
  readonly flag: string;
  readonly description: string;
  readonly default?: string;
}

const settingsSchema = z.object({
  namespace: z.string().min(1).optional(),
  image: z.string().min(1).optional(),
  serviceAccount: z.string().min(1),
  priorityClass,
  podLabels: pairs(labelKeyProblem, labelValueProblem, 'key=value, as a label'),
  podAnnotations: pairs(annotationKeyProblem, () => undefined, 'key=value, as an annotation'),
  imagePullSecrets: z.string().transform(wordsOf),
  tolerations: tolerationsSchema,
  seLinuxType,
  requests: pairs(labelKeyProblem, quantityProblem, 'resource=quantity'),
  limits: pairs(labelKeyProblem, quantityProblem, 'resource=quantity'),
  sockets: overrideSchema,
  stateDirectories: overrideSchema,
  workloadResources: resourcesSchema,
  startTimeoutSeconds: count,
  runtimeTimeoutSeconds: count,
  apiRate: count,
  leaderElection: flag,
  registryCheck: flag,
  registrySecrets: pathsSchema,
  registryCa: emptyAsAbsent(z.string().startsWith('/', 'must be the absolute path of a file with certificates')),
  registryPlainHosts: plainHostsSchema,
  notifyUrlFile: emptyAsAbsent(z.string().startsWith('/', 'must be the absolute path of a file with the address')),
  notifyFormat: emptyAsAbsent(z.enum(messageFormats)),
  notifyCluster: emptyAsAbsent(z.string()),
  port: count.refine((port) => port <= maxPort, 'must be at most 65535'),
  pagePort: z
    .string()
    .regex(/^\d+$/, 'must be a port, or 0 for no page')
    .transform(Number)
    .refine((port) => port <= maxPort, 'must be at most 65535')
    .optional(),
  pageAddress: z.union([z.ipv4(), z.ipv6()], 'must be an IP address, such as 127.0.0.1 or 0.0.0.0'),
  pageHosts: hostsSchema,
  logLevel: z.enum(levels),
});

export type Settings = z.output<typeof settingsSchema>;

/** Every setting, as `--help` shows it. docs/operations.md lists them too. */
export const settings: { readonly [Name in keyof Settings]-?: Setting } = {
  namespace: {
    variable: 'NODESWEEP_NAMESPACE',
    flag: '--namespace <name>',
    description: 'namespace of the policies, and of all objects that the scheduler creates (default: its own)',
  },
  image: {
    variable: 'NODESWEEP_IMAGE',
    flag: '--image <reference>',
    description: 'image of the cleaner pods (default: its own)',
  },
  serviceAccount: {
    variable: 'NODESWEEP_SERVICE_ACCOUNT',
    flag: '--service-account <name>',
    description: 'service account of the cleaner pods; it needs no rights',
    default: 'default',
  },
  priorityClass: {
    variable: 'NODESWEEP_PRIORITY_CLASS',
    flag: '--priority-class <name>',
    description:
      "priority class of the cleaner pods on nodes that are not under disk pressure; empty: the cluster's default",
    default: ownPriorityClass,
  },
  podLabels: {
    variable: 'NODESWEEP_POD_LABELS',
    flag: '--pod-labels <pairs>',
    description: 'more labels of the cleaner pods: key=value key=value',
    default: '',
  },
  podAnnotations: {
    variable: 'NODESWEEP_POD_ANNOTATIONS',
    flag: '--pod-annotations <pairs>',
    description: 'more annotations of the cleaner pods: key=value key=value',
    default: '',
  },
  imagePullSecrets: {
    variable: 'NODESWEEP_IMAGE_PULL_SECRETS',
    flag: '--image-pull-secrets <names>',
    description: "names of secrets in the scheduler's namespace to pull the image of the cleaner pods",
    default: '',
  },
  tolerations: {
    variable: 'NODESWEEP_TOLERATIONS',
    flag: '--tolerations <taints>',
    description:
      'taints that the cleaner pods tolerate beside those that their policy tolerates: key=value:effect, key:effect or key',
    default: '',
  },
  seLinuxType: {
    variable: 'NODESWEEP_SELINUX_TYPE',
    flag: '--selinux-type <type>',
    description:
      'SELinux type of the cleaner pods, such as spc_t if containers may not use the socket of the runtime; empty: the default',
    default: '',
  },
  requests: {
    variable: 'NODESWEEP_REQUESTS',
    flag: '--requests <pairs>',
    description: 'resource requests of the cleaner pods; with requests above zero, a full node gets no cleaner',
    default: 'cpu=0 memory=0',
  },
  limits: {
    variable: 'NODESWEEP_LIMITS',
    flag: '--limits <pairs>',
    description: 'resource limits of the cleaner pods',
    default: 'memory=256Mi',
  },
  sockets: {
    variable: 'NODESWEEP_SOCKETS',
    flag: '--sockets <paths>',
    description:
      'sockets of runtimes that replace the presets: /path for all nodes, /path@label=value for nodes with a label; the first match counts',
    default: '',
  },
  stateDirectories: {
    variable: 'NODESWEEP_STATE_DIRECTORIES',
    flag: '--state-directories <paths>',
    description: "directory for the cleaner's history, on the filesystem with the images, written like the sockets",
    default: '',
  },
  workloadResources: {
    variable: 'NODESWEEP_WORKLOAD_RESOURCES',
    flag: '--workload-resources <names>',
    description:
      'more kinds of workloads for protectWorkloads, as plural.group/version; the scheduler needs the right to list them',
    default: '',
  },
  startTimeoutSeconds: {
    variable: 'NODESWEEP_START_TIMEOUT_SECONDS',
    flag: '--start-timeout-seconds <number>',
    description:
      'time after which a cleaner pod that has not started, or has not ended after its deletion, has failed, and a node that is not ready is lost',
    default: '120',
  },
  runtimeTimeoutSeconds: {
    variable: 'NODESWEEP_RUNTIME_TIMEOUT_SECONDS',
    flag: '--runtime-timeout-seconds <number>',
    description:
      'the most time that the runtime of a node gets for a list; a cleaner asks with 30 s first, or with less if the setting is lower, and with twice as much each time it had no answer',
    default: '120',
  },
  apiRate: {
    variable: 'NODESWEEP_API_RATE',
    flag: '--api-rate <number>',
    description: 'maximum number of requests to the API server per second, averaged over ten seconds',
    default: '200',
  },
  leaderElection: {
    variable: 'NODESWEEP_LEADER_ELECTION',
    flag: '--leader-election <true|false>',
    description: 'elect a leader among the replicas; several replicas are safe without it too',
    default: 'true',
  },
  registryCheck: {
    variable: 'NODESWEEP_REGISTRY_CHECK',
    flag: '--registry-check <true|false>',
    description: 'ask registries for the images of policies with images.requirePullable or images.keepLastCopy',
    default: 'false',
  },
  registrySecrets: {
    variable: 'NODESWEEP_REGISTRY_SECRETS',
    flag: '--registry-secrets <paths>',
    description: 'files with pull secrets to ask registries, as config.json of Docker',
    default: '',
  },
  registryCa: {
    variable: 'NODESWEEP_REGISTRY_CA',
    flag: '--registry-ca <path>',
    description: 'file with certificates of registries, in addition to the usual ones (default: none)',
  },
  registryPlainHosts: {
    variable: 'NODESWEEP_REGISTRY_PLAIN_HTTP',
    flag: '--registry-plain-http <hosts>',
    description: 'registries without encryption, as host or host:port; this machine is always one',
    default: '',
  },
  notifyUrlFile: {
    variable: 'NODESWEEP_NOTIFY_URL_FILE',
    flag: '--notify-url-file <path>',
    description: 'file with the address of the webhook for notifications (default: no notifications)',
  },
  notifyFormat: {
    variable: 'NODESWEEP_NOTIFY_FORMAT',
    flag: '--notify-format <format>',
    description: `format of notifications: one of ${messageFormats.join(', ')} (default: json)`,
  },
  notifyCluster: {
    variable: 'NODESWEEP_NOTIFY_CLUSTER',
    flag: '--notify-cluster <name>',
    description: 'name of the cluster in notifications (default: none)',
  },
  port: {
    variable: 'NODESWEEP_PORT',
    flag: '--port <number>',
    description: 'port of /healthz, /readyz and /metrics',
    default: '8080',
  },
  pagePort: {
    variable: 'NODESWEEP_PAGE_PORT',
    flag: '--page-port <number>',
    description: 'port of the status page; 0: none (default: 8081 in a cluster, and none elsewhere)',
  },
  pageAddress: {
    variable: 'NODESWEEP_PAGE_ADDRESS',
    flag: '--page-address <address>',
    description:
      'address of the status page; the default is reached only through nodesweep page, which needs the right to forward ports',
    default: '127.0.0.1',
  },
  pageHosts: {
    variable: 'NODESWEEP_PAGE_HOSTS',
    flag: '--page-hosts <names>',
    description: 'names under which browsers may ask for the status page, beside addresses and localhost',
    default: '',
  },
  logLevel: {
    variable: 'NODESWEEP_LOG_LEVEL',
    flag: '--log-level <level>',
    description: `one of ${levels.join(', ')}`,
    default: 'info',
  },
};

/** The settings of all cleaner pods. */
export function podTemplateOf(settings: Settings, namespace: string, image: string): PodTemplate {
  return {
    namespace,
    image,
    serviceAccountName: settings.serviceAccount,
    logLevel: settings.logLevel,
    runtimeTimeoutSeconds: settings.runtimeTimeoutSeconds,
    priorityClassName: settings.priorityClass,
    labels: settings.podLabels,
    annotations: settings.podAnnotations,
    imagePullSecrets: settings.imagePullSecrets,
    tolerations: settings.tolerations,
    seLinuxType: settings.seLinuxType,
    requests: settings.requests,
    limits: settings.limits,
  };
}

/** The port of the status page in a cluster, unless it is set. */
export const defaultPagePort = 8081;

/** The port of the status page; undefined if there is none. Outside of a cluster, other users of the machine could read it. */
export function pagePortOf({ pagePort }: Settings, isInCluster: boolean): number | undefined {
  const port = pagePort ?? (isInCluster ? defaultPagePort : 0);
  return port === 0 ? undefined : port;
}

/** Settings that are not valid. The message lists all problems. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Merges flags, environment and defaults, in this order of precedence. Throws a {@link SettingsError} with all problems. */
export function readSettings(
  flags: Readonly<Record<string, string | undefined>>,
  environment: NodeJS.ProcessEnv,
): Settings {
  const entries = Object.entries(settings) as [keyof Settings, Setting][];
  const values = entries.map(([name, setting]) => [
    name,
    flags[name] ?? environment[setting.variable] ?? setting.default,
  ]);
  const result = settingsSchema.safeParse(Object.fromEntries(values));
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const setting = settings[issue.path[0] as keyof Settings];
    return `${setting.variable} (${setting.flag}): ${issue.message.replace(/^Invalid (input|option): /, '')}`;
  });
  throw new SettingsError(problems.join('\n'));
}
