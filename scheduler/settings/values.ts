import * as z from 'zod';
import { labelKeyProblem, labelValueProblem } from '../../contract/labels.ts';
import type { PathOverride } from '../cleanup/node-runtime.ts';
import type { Toleration } from '../pods/tolerations.ts';

/** The levels of log lines, as pino has them. */
export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Paths for all nodes, or for those with a label: `/path` or `/path@key=value`. */
export const overrideSchema = z.string().transform((text, context): PathOverride[] =>
  wordsOf(text).flatMap((entry) => {
    const [, path, key, value = ''] = /^(?:unix:\/\/)?(\/[^@]+)(?:@([^=@]+)=([^=@]*))?$/.exec(entry) ?? [];
    const form = 'an absolute path, or one with a label: /path@key=value';
    const problem = key === undefined ? undefined : pairProblem(labelKeyProblem(key), labelValueProblem(value));
    if (path !== undefined && problem === undefined)
      return [{ path, label: key === undefined ? undefined : { key, value } }];
    const reason = problem === undefined ? '' : `: ${problem}`;
    context.addIssue({ code: 'custom', message: `"${entry}" is not ${form}${reason}` });
    return [];
  }),
);

/** A plural, an API group and a version, as in the path of the API. */
type ResourceName = `${string}.${string}/${string}`;

/** Further kinds of workloads: `plural.group/version`. */
export const resourcesSchema = z.string().transform((text, context): ResourceName[] =>
  text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .flatMap((entry) => {
      if (isResourceName(entry)) return [entry];
      context.addIssue({
        code: 'custom',
        message: `"${entry}" is not plural.group/version, such as rollouts.argoproj.io/v1alpha1`,
      });
      return [];
    }),
);

function isResourceName(text: string): text is ResourceName {
  return /^[a-z0-9-]+(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\/v[a-z0-9]+$/.test(text);
}

/** A whole number from 1 up. */
export const count = z
  .string()
  .regex(/^[1-9]\d*$/, 'must be a whole number from 1 up')
  .transform(Number);

/** `true` or `false`. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** Returns the problem of a text; undefined if it is valid. */
type Check = (text: string) => string | undefined;

/** Texts of the form `key=value`, with spaces between them. */
export function pairs(checkKey: Check, checkValue: Check, form: string) {
  return z.string().transform((text, context): Record<string, string> => {
    const entries = wordsOf(text).flatMap((word): [string, string][] => {
      const [, key, value = ''] = /^([^=]*)=(.*)$/.exec(word) ?? [];
      const problem = key === undefined ? 'there is no "="' : pairProblem(checkKey(key), checkValue(value));
      if (key !== undefined && problem === undefined) return [[key, value]];
      context.addIssue({ code: 'custom', message: `"${word}" is not written ${form}: ${problem}` });
      return [];
    });
    return Object.fromEntries(entries);
  });
}

function pairProblem(keyProblem: string | undefined, valueProblem: string | undefined): string | undefined {
  if (keyProblem !== undefined) return `the key ${keyProblem}`;
  return valueProblem === undefined ? undefined : `the value ${valueProblem}`;
}

/** The words of a text with spaces between them. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

const quantity = /^\d+(?:\.\d+)?(?:m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;
/** The problem of a quantity of resources, such as `500m` or `256Mi`. */
export const quantityProblem: Check = (text) =>
  quantity.test(text) ? undefined : 'must be a quantity, like 500m or 256Mi';

/** A priority class that never ends the pods of others. */
export const priorityClass = z
  .string()
  .refine(
    (name) => !name.startsWith('system-'),
    'must not be a critical class, because the kubelet ends other pods for such a pod',
  );

function parseToleration(word: string): Toleration | undefined {
  const [, key = '', value, effectName] = /^([^=:]+)(?:=([^=:]*))?(?::([^=:]*))?$/.exec(word) ?? [];
  const effect = effects.find((name) => name === effectName);
  if (effect !== effectName || labelKeyProblem(key) !== undefined || labelValueProblem(value ?? '') !== undefined)
    return undefined;
  const match = value === undefined ? ({ operator: 'Exists' } as const) : ({ operator: 'Equal', value } as const);
  return { key, ...match, ...(effect && { effect }) };
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

/** Tolerations, written as `kubectl taint` writes taints: `key=value:effect`, `key:effect`, or `key` for every effect. */
export const tolerationsSchema = z.string().transform((text, context): Toleration[] =>
  wordsOf(text).flatMap((word) => {
    const toleration = parseToleration(word);
    if (toleration !== undefined) return [toleration];
    context.addIssue({
      code: 'custom',
      message: `"${word}" is not written key=value:effect, key:effect or key, with the effect NoSchedule, PreferNoSchedule or NoExecute`,
    });
    return [];
  }),
);

/** A setting that is absent by default. A manifest can turn it off with an empty value. */
export function emptyAsAbsent<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
}

/** An SELinux type, or an empty text. */
export const seLinuxType = z.string().regex(/^(?:[a-z]\w*)?$/, 'must be an SELinux type, such as spc_t');

/** Absolute paths with spaces between them. */
export const pathsSchema = z.string().transform((text, context): string[] =>
  wordsOf(text).flatMap((word) => {
    if (word.startsWith('/')) return [word];
    context.addIssue({ code: 'custom', message: `"${word}" is not an absolute path` });
    return [];
  }),
);

/** Hosts, with a port if they have one. */
export const plainHostsSchema = z.string().transform((text, context): string[] =>
  wordsOf(text).flatMap((word) => {
    if (/^(?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[a-f\d:]+\])(?::\d+)?$/i.test(word)) return [word.toLowerCase()];
    context.addIssue({ code: 'custom', message: `"${word}" is not host or host:port, such as registry.example:5000` });
    return [];
  }),
);

/** The largest number of a port. */
export const maxPort = 65_535;

/** Names of hosts, in lower case as browsers send them. */
export const hostsSchema = z.string().transform((text, context): string[] =>
  wordsOf(text).flatMap((word) => {
    if (/^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(word)) return [word.toLowerCase()];
    context.addIssue({ code: 'custom', message: `"${word}" is not the name of a host, such as nodesweep.example.com` });
    return [];
  }),
);
