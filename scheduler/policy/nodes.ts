import * as z from 'zod';
import { labelKeyProblem, labelValueProblem } from '../../contract/labels.ts';

/** The reason why a text can't be used; undefined where it can. */
type Check = (text: string) => string | undefined;

function checkedText(check: Check) {
  return z.string().superRefine((text, context) => {
    const message = check(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

const labelKeySchema = checkedText(labelKeyProblem);
const labelValueSchema = checkedText(labelValueProblem);

/** As the API server checks the labels of a selector: a typing error would match no node, for ever. */
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
    path: ['values'],
    message: 'must be given for In and NotIn, and for them alone',
  });

/**
 * With what the API server demands of a toleration (`ValidateTolerations`): it would refuse the pods. In the API an empty text
 * is as good as none.
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
    path: ['operator'],
    message: 'must be Exists where there is no key',
  })
  .refine(({ operator, value = '' }) => operator !== 'Exists' || value === '', {
    path: ['value'],
    message: 'must not be given with Exists',
  })
  .refine(({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === 'NoExecute', {
    path: ['tolerationSeconds'],
    message: 'can only be given with the effect NoExecute',
  })
  .transform(({ key = '', operator, value = '', effect = '', ...others }) => ({
    ...(key !== '' && { key }),
    operator: operator === '' ? ('Equal' as const) : operator,
    ...(value !== '' && { value }),
    ...(effect !== '' && { effect }),
    ...others,
  }));

/** `nodes` of a policy: the nodes that it means. */
export const nodesSchema = z.strictObject({
  matchLabels: matchLabelsSchema.default({}).describe('Labels that a node must have.'),
  matchExpressions: z.array(expressionSchema).default([]).describe('Expressions as in a label selector.'),
  includeUnschedulable: z.boolean().default(true).describe('Cordoned nodes are cleaned too.'),
  tolerations: z
    .array(tolerationSchema)
    .prefault([{ operator: 'Exists' }])
    .describe('Taints that do not keep the cleaner away. Default: all taints, as for a system daemon.'),
});
