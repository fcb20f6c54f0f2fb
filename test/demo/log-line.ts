import { z } from 'zod';
import { reportSchema } from '../../contract/report.ts';

/** The lines that tell the story; every other one is `Other`. */
const lineSchema = z.union([
  z
    .object({
      event: z.literal('image'),
      node: z.string(),
      names: z.array(z.string()),
      sizeBytes: z.number(),
      reason: z.string().optional(),
      outcome: z.string().optional(),
    })
    .transform((line) => ({ kind: 'Image' as const, ...line })),
  z
    .object({ event: z.literal('report'), node: z.string(), ...reportSchema.shape })
    .transform(({ node, event: _, ...report }) => ({ kind: 'Report' as const, node, report })),
  z
    .object({ policy: z.string(), run: z.string(), trigger: z.object({ request: z.string().optional() }) })
    .transform(({ policy, run, trigger: { request } }) => ({ kind: 'RunStarted' as const, policy, run, request })),
  z
    .object({ run: z.string(), phase: z.string(), msg: z.string() })
    .transform(({ run, phase, msg }) => ({ kind: 'RunFinished' as const, run, phase, message: msg })),
  z
    .object({ url: z.string(), msg: z.string().startsWith('the status page is at ') })
    .transform(({ url }) => ({ kind: 'Page' as const, url })),
  z
    .object({ level: z.enum(['warn', 'error', 'fatal']), msg: z.string() })
    .transform(({ msg }) => ({ kind: 'Trouble' as const, message: msg })),
  z.unknown().transform(() => ({ kind: 'Other' as const })),
]);

/** All that one line of the log says. */
export type LogLine = z.output<typeof lineSchema>;
export type ImageLine = Extract<LogLine, { kind: 'Image' }>;

export function readLine(text: string): LogLine {
  return lineSchema.parse(JSON.parse(text));
}
