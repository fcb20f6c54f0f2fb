import { cleanup } from './cleanup/kind.ts';
import { prepull } from './prepull/kind.ts';
import type { RunKind } from './run/kind.ts';

/** The kinds of runs that there are. */
export const runKinds: readonly RunKind[] = [cleanup, prepull];

/** The kinds of runs of `nodesweep local`: without a kubelet, nothing pulls images. */
export const localKinds: readonly RunKind[] = [cleanup];
