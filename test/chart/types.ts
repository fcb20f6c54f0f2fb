import { messageFormats } from '../../scheduler/notifications/message.ts';

/** A part of a JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const anyObject: Schema = { type: 'object' };
const objects: Schema = { type: 'array', items: { type: 'object' } };
const name: Schema = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', maxLength: 253 };
/** The memory of a set has the name of the set, and a suffix. */
const setName: Schema = { ...name, maxLength: 246 };
const texts: Schema = { type: 'object', additionalProperties: text };
/** The scheduler reads these with spaces between them. */
const words: Schema = { type: 'object', additionalProperties: { type: 'string', pattern: '^\\S*$' } };
const paths: Schema = {
  type: 'array',
  items: { type: 'string', pattern: '^(unix://)?/[^@\\s]+(@[^=@\\s]+=[^=@\\s]*)?$' },
};
const monitorInterval: Schema = { type: 'string', pattern: '^([0-9]+(ms|s|m|h))*$' };
const port: Schema = { type: 'integer', minimum: 1, maximum: 65_535 };
const quantity = {
  type: ['string', 'number'],
  pattern: '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$',
  minimum: 0,
};
const quantities: Schema = { type: 'object', additionalProperties: quantity };

/** The settings that the chart sets by itself, or that have a value with a name of their own. */
export const ownSettings: readonly string[] = [
  'NODESWEEP_NAMESPACE',
  'NODESWEEP_IMAGE',
  'NODESWEEP_SERVICE_ACCOUNT',
  'NODESWEEP_PRIORITY_CLASS',
  'NODESWEEP_POD_LABELS',
  'NODESWEEP_POD_ANNOTATIONS',
  'NODESWEEP_IMAGE_PULL_SECRETS',
  'NODESWEEP_TOLERATIONS',
  'NODESWEEP_SELINUX_TYPE',
  'NODESWEEP_REQUESTS',
  'NODESWEEP_LIMITS',
  'NODESWEEP_SOCKETS',
  'NODESWEEP_STATE_DIRECTORIES',
  'NODESWEEP_WORKLOAD_RESOURCES',
  'NODESWEEP_PORT',
  'NODESWEEP_PAGE_ADDRESS',
  'NODESWEEP_PAGE_HOSTS',
  'NODESWEEP_NOTIFY_URL_FILE',
  'NODESWEEP_NOTIFY_FORMAT',
  'NODESWEEP_NOTIFY_CLUSTER',
  'NODESWEEP_REGISTRY_CHECK',
  'NODESWEEP_REGISTRY_SECRETS',
];

const settings: Schema = {
  type: 'object',
  propertyNames: { pattern: '^NODESWEEP_[A-Z_]+$', not: { enum: ownSettings } },
  additionalProperties: { type: ['string', 'number', 'boolean'] },
};

const taint: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['key'],
  properties: {
    key: { type: 'string', pattern: '^[^=:\\s]+$' },
    operator: { enum: ['Equal', 'Exists'] },
    value: { type: 'string', pattern: '^[^=:\\s]*$' },
    effect: { enum: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] },
  },
};

const resources: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: { requests: quantities, limits: quantities },
};

/** A document as an object is checked with the schema of the program; `lint` and the scheduler check a text. */
function document(kind: string): Schema {
  return { if: { type: 'string' }, else: { $ref: `#/$defs/${kind}` } };
}

const policy: Schema = {
  type: ['object', 'null'],
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: { cleanup: document('cleanup'), prepull: document('prepull') },
};

/** Types of the values by their paths. Everything above them is a section. */
const types: Readonly<Record<string, Schema>> = {
  'image.repository': { type: 'string', pattern: '^[^\\s@]+$' },
  'image.tag': { type: 'string', pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$' },
  'image.digest': { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  'image.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
  'image.pullSecrets': { type: 'array', items: name },
  labels: texts,
  annotations: texts,
  'namespace.create': flag,
  'scheduler.replicas': { type: 'integer', minimum: 0 },
  'scheduler.priorityClassName': text,
  'scheduler.resources': anyObject,
  'scheduler.podLabels': texts,
  'scheduler.podAnnotations': texts,
  'scheduler.nodeSelector': texts,
  'scheduler.tolerations': objects,
  'scheduler.affinity': anyObject,
  'scheduler.serviceAccountAnnotations': texts,
  'scheduler.env': objects,
  'scheduler.volumes': objects,
  'scheduler.volumeMounts': objects,
  settings,
  'cleaner.priorityClassName': { type: 'string', not: { pattern: '^system-' } },
  'cleaner.createPriorityClass': flag,
  'cleaner.resources': resources,
  'cleaner.podLabels': words,
  'cleaner.podAnnotations': words,
  'cleaner.nodeSelector': texts,
  'cleaner.tolerations': { type: 'array', items: taint },
  'cleaner.seLinuxType': { type: 'string', pattern: '^([a-z]\\w*)?$' },
  'cleaner.sockets': paths,
  'cleaner.stateDirectories': paths,
  'cleaner.serviceAccountAnnotations': texts,
  workloadResources: {
    type: 'array',
    items: { type: 'string', pattern: '^[a-z0-9-]+(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+/v[a-z0-9]+$' },
  },
  policies: { type: 'object', propertyNames: { ...name, maxLength: 52 }, additionalProperties: policy },
  'openshift.enabled': flag,
  'startupTaint.enabled': flag,
  'startupTaint.guard': flag,
  'networkPolicy.enabled': flag,
  'networkPolicy.apiServerPorts': { type: 'array', items: port, minItems: 1 },
  'networkPolicy.egress': objects,
  'quota.enabled': flag,
  'service.enabled': flag,
  'service.annotations': texts,
  'statusPage.enabled': flag,
  'statusPage.hosts': {
    type: 'array',
    items: { type: 'string', pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$' },
  },
  // Without any, everybody could reach it.
  'statusPage.from': { ...objects, minItems: 1 },
  'statusPage.annotations': texts,
  'podMonitor.enabled': flag,
  'podMonitor.labels': texts,
  'podMonitor.interval': monitorInterval,
  'serviceMonitor.enabled': flag,
  'serviceMonitor.labels': texts,
  'serviceMonitor.interval': monitorInterval,
  'prometheusRule.enabled': flag,
  'prometheusRule.labels': texts,
  'dashboard.enabled': flag,
  'dashboard.labels': texts,
  'dashboard.annotations': texts,
  'imageSets.guard': flag,
  'imageSets.resources': anyObject,
  'imageSets.nodeSelector': texts,
  'imageSets.tolerations': objects,
  'imageSets.env': objects,
  'imageSets.trivy.enabled': flag,
  'imageSets.trivy.name': setName,
  'imageSets.trivy.schedule': text,
  'imageSets.trivy.args': { type: 'array', items: text },
  'imageSets.harbor.enabled': flag,
  'imageSets.harbor.name': setName,
  'imageSets.harbor.address': { type: 'string', pattern: '^(https?://[^\\s@]+)?$' },
  'imageSets.harbor.schedule': text,
  'imageSets.harbor.args': { type: 'array', items: text },
  'imageSets.harbor.secretName': { type: 'string', pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$' },
  'imageSets.harbor.ports': { type: 'array', items: port },
  'imageSets.url.enabled': flag,
  'imageSets.url.name': setName,
  'imageSets.url.address': { type: 'string', pattern: '^(https?://[^\\s@]+)?$' },
  'imageSets.url.schedule': text,
  'imageSets.url.args': { type: 'array', items: text },
  'imageSets.url.secretName': { type: 'string', pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$' },
  'imageSets.url.ports': { type: 'array', items: port },
  'notifications.enabled': flag,
  'notifications.secretName': name,
  'notifications.format': { enum: messageFormats },
  'notifications.cluster': text,
  'registryCheck.enabled': flag,
  'registryCheck.secretName': name,
  'registryCheck.secretKey': { type: 'string', pattern: '^[-._a-zA-Z0-9]+$' },
  'registryCheck.ports': { type: 'array', items: port, minItems: 1 },
};

/** The type of a value; undefined for a section, and for a value that nobody has given a type. */
export function typeOf(path: readonly string[]): Schema | undefined {
  return types[path.join('.')];
}
