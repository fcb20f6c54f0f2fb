import * as z from 'zod';
import { checkOf } from '../../contract/check-fields.ts';
import { labelKeyProblem, labelValueProblem } from '../../contract/labels.ts';

/** Returns the reason why a text is not valid; undefined if it is valid. */
type Check = (text: string) => string | undefined;

function checkedText(check: Check) {
  return z.string().superRefine((text, context) => {
    const message = check(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

const labelKeySchema = checkedText(labelKeyProblem);
const labelValueSchema = checkedText(labelValueProblem);

/**
 * The labels of a selector. They are checked as by the API server, because a label with a typing error would never
 * match a node.
 */
const matchLabelsSchema = z.record(z.string(), labelValueSchema).superRefine((labels, context) => {
  for (const key of Object.keys(labels)) {
    const problem = labelKeyProblem(key);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [key], message: `the key ${problem}` });
  }
});

const expressionSchema = z
  .strictObject({
    key: labelKeySchema,
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z.array(labelValueSchema).default([]),
  })
  .refine((expression) => expression.values.length > 0 === ['In', 'NotIn'].includes(expression.operator), {
    ...checkOf('operator', 'values'),
    path: ['values'],
    message: 'must be set with In and NotIn, and only with them',
  });

/**
 * A toleration by the rules of the API server (`ValidateTolerations`), which would refuse the pods otherwise. In the
 * API an empty text has the same meaning as a missing one.
 */
const tolerationSchema = z
  .strictObject({
    key: checkedText((key) => (key === '' ? undefined : labelKeyProblem(key))).exactOptional(),
    operator: z.enum(['Exists', 'Equal', '']).default('Equal'),
    value: labelValueSchema.exactOptional(),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute', '']).exactOptional(),
    tolerationSeconds: z.int().exactOptional(),
  })
  .refine(({ key = '', operator }) => key !== '' || operator === 'Exists', {
    ...checkOf('key', 'operator'),
    path: ['operator'],
    message: 'must be Exists if there is no key',
  })
  .refine(({ operator, value = '' }) => operator !== 'Exists' || value === '', {
    ...checkOf('operator', 'value'),
    path: ['value'],
    message: 'must not be set with Exists',
  })
  .refine(({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === 'NoExecute', {
    ...checkOf('effect', 'tolerationSeconds'),
    path: ['tolerationSeconds'],
    message: 'must only be set with the effect NoExecute',
  })
  .transform(({ key = '', operator, value = '', effect = '', ...others }) => ({
    ...(key !== '' && { key }),
    operator: operator === '' ? ('Equal' as const) : operator,
    ...(value !== '' && { value }),
    ...(effect !== '' && { effect }),
    ...others,
  }));

/** `nodes` of a policy: the nodes that it selects. */
export const nodesSchema = z.strictObject({
  matchLabels: matchLabelsSchema.default({}).describe('Labels that a node must have.'),
  matchExpressions: z.array(expressionSchema).default([]).describe('Expressions as in a label selector.'),
  includeUnschedulable: z.boolean().default(true).describe('Cordoned nodes are cleaned too.'),
  tolerations: z
    .array(tolerationSchema)
    .prefault([{ operator: 'Exists' }])
    .describe('Taints that do not keep the cleaner away. Default: all taints, as for a system daemon.'),
});
