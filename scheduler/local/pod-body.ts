import * as z from 'zod';
import { annotation, label } from '../../contract/labels.ts';
import type { PodTemplate } from '../pods/pod-template.ts';
import type { PullerContainer } from './puller.ts';

/** The parts of a puller's spec that this machine carries out. */
export interface PullerSpec {
  /** The arguments of the first container. */
  readonly prepareArguments: readonly string[];
  readonly activeDeadlineSeconds: number;
  readonly containers: readonly PullerContainer[];
}

/** A pod of a run over image lists: a puller, or a cleaner whose job comes with the pod. */
export type PodContent =
  | { readonly kind: 'puller'; readonly spec: PullerSpec; readonly imagePullSecrets: readonly string[] }
  | { readonly kind: 'cleaner'; readonly job: string };

/** The settings of a scheduler that has no cluster. Its pods become processes, so it needs no image. */
export const localTemplate: PodTemplate = {
  namespace: 'local',
  image: 'nodesweep',
  serviceAccountName: 'default',
  logLevel: 'info',
};

const pullerSchema = z.object({
  metadata: z.object({ labels: z.object({ [label.kind]: z.literal('puller') }) }),
  spec: z.object({
    activeDeadlineSeconds: z.number(),
    imagePullSecrets: z.array(z.object({ name: z.string() })).default([]),
    initContainers: z.tuple([z.object({ args: z.array(z.string()) })]),
    containers: z.array(
      z.object({ name: z.string(), image: z.string(), imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']) }),
    ),
  }),
});
const cleanerSchema = z.object({
  metadata: z.object({
    labels: z.object({ [label.kind]: z.literal('cleaner') }),
    annotations: z.object({ [annotation.job]: z.string() }),
  }),
});

/** Reads what a pod is to do from the fields that the API server would get. */
export function readBody(body: object): PodContent {
  const puller = pullerSchema.safeParse(body).data;
  if (puller === undefined)
    return { kind: 'cleaner', job: cleanerSchema.parse(body).metadata.annotations[annotation.job] };
  const { initContainers, imagePullSecrets, ...spec } = puller.spec;
  return {
    kind: 'puller',
    spec: { ...spec, prepareArguments: initContainers[0].args },
    imagePullSecrets: imagePullSecrets.map(({ name }) => name),
  };
}
