/** The fields of a pod that the Pod Security Standards look at. */
interface SecuredPod {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: SecurityContext;
  readonly initContainers?: readonly SecuredContainer[];
  readonly containers: readonly SecuredContainer[];
  readonly volumes?: readonly object[];
}

interface SecuredContainer {
  readonly name: string;
  readonly securityContext?: SecurityContext;
  readonly ports?: readonly { readonly hostPort?: number }[];
}

interface SecurityContext {
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
  readonly seLinuxOptions?: object;
  readonly sysctls?: readonly object[];
}

const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/**
 * The rules of the Pod Security Standard "restricted" that a pod breaks.
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export function restrictedProblems(pod: SecuredPod): readonly string[] {
  const shared = pod.securityContext ?? {};
  const host = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => pod[field] === true);
  const volumes = (pod.volumes ?? []).flatMap((volume) =>
    Object.keys(volume).filter((key) => key !== 'name' && !allowedVolumes.includes(key)),
  );
  const containers = [...(pod.initContainers ?? []), ...pod.containers].flatMap((container) =>
    containerProblems(container, shared).map((problem) => `${container.name}: ${problem}`),
  );
  const own = [shared.seLinuxOptions && 'seLinuxOptions', shared.sysctls && 'sysctls'].filter(
    (problem) => problem !== undefined,
  );
  return [...host, ...volumes, ...own, ...containers];
}

function containerProblems({ securityContext = {}, ports = [] }: SecuredContainer, shared: SecurityContext): string[] {
  const { privileged, allowPrivilegeEscalation, capabilities } = securityContext;
  const user = securityContext.runAsUser ?? shared.runAsUser;
  const seccomp = securityContext.seccompProfile ?? shared.seccompProfile;
  const rules: Readonly<Record<string, boolean>> = {
    privileged: privileged !== true,
    allowPrivilegeEscalation: allowPrivilegeEscalation === false,
    'capabilities.drop': capabilities?.drop?.includes('ALL') === true,
    'capabilities.add': (capabilities?.add ?? []).every((name) => name === 'NET_BIND_SERVICE'),
    runAsNonRoot: (securityContext.runAsNonRoot ?? shared.runAsNonRoot) === true,
    runAsUser: user !== 0,
    seccompProfile: ['RuntimeDefault', 'Localhost'].includes(seccomp?.type ?? ''),
    hostPort: ports.every(({ hostPort }) => hostPort === undefined),
  };
  return Object.keys(rules).filter((rule) => rules[rule] !== true);
}
