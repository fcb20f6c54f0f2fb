import * as z from 'zod';
import type { NodeRuntime } from '../cleanup/node-runtime.ts';
import type { PodContainer, RunPod } from '../objects.ts';
import type { PullerSpec } from './pod-body.ts';

/** A puller as its file has it, so that another process can continue with it. */
export interface SavedPuller {
  readonly pod: RunPod & { readonly containers: readonly PodContainer[] };
  readonly spec: PullerSpec;
  readonly runtime: NodeRuntime;
}

const date = z.iso.datetime().transform((text) => new Date(text));
const text = z.string().optional();

const stateSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Waiting'), reason: z.string(), message: z.string() }),
  z.object({ type: z.literal('Running') }),
  z.object({
    type: z.literal('Terminated'),
    reason: text,
    exitCode: z.int(),
    finishedAt: date.optional(),
    message: text,
  }),
]);

const podSchema = z.object({
  kind: z.literal('puller'),
  name: z.string(),
  run: z.string(),
  node: z.string(),
  attempt: z.int(),
  createdAt: date,
  phase: z.enum(['Running', 'Succeeded', 'Failed']),
  reason: text,
  message: text,
  containers: z.array(z.object({ name: z.string(), imageId: text, state: stateSchema })),
});

const savedSchema = z.object({
  pod: podSchema,
  spec: z.object({
    prepareArguments: z.array(z.string()),
    activeDeadlineSeconds: z.number(),
    containers: z.array(
      z.object({ name: z.string(), image: z.string(), imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']) }),
    ),
  }),
  runtime: z.object({ socket: z.string(), stateDirectory: z.string() }),
});

export function encodePuller({ pod, spec, runtime }: SavedPuller): string {
  return JSON.stringify({ pod, spec, runtime });
}

/** Reads the file of a puller; undefined if it is damaged. */
export function decodePuller(saved: string): SavedPuller | undefined {
  try {
    return savedSchema.safeParse(JSON.parse(saved)).data;
  } catch {
    return undefined;
  }
}
