import { cleanup } from './cleanup/kind.ts';
import { prepull } from './prepull/kind.ts';
import type { RunKind } from './run/kind.ts';

/** The kinds of runs that there are. */
export const runKinds: readonly RunKind[] = [cleanup, prepull];

const noKubelet = {
  verdict: 'Ineligible',
  reason: 'NoKubelet',
  message: 'nodesweep local has no kubelet that pulls images; it only keeps the images of lists',
} as const;

/** The kinds of runs of `nodesweep local`. It pulls no images, but cleaners keep the images of lists. */
export const localKinds: readonly RunKind[] = [
  cleanup,
  { ...prepull, judgeNode: () => noKubelet, servesNewNodes: () => false, startup: undefined },
];
