import { cleanup } from './cleanup/kind.ts';
import type { Node } from './objects.ts';
import { prepull } from './prepull/kind.ts';
import type { RunKind } from './run/kind.ts';

/** The kinds of runs that there are. */
export const runKinds: readonly RunKind[] = [cleanup, prepull];

const dockerEngine = {
  verdict: 'Ineligible',
  reason: 'NodeUnsupported',
  message:
    "nodesweep local pulls images with crictl, which can't use Docker Engine; its cleaners keep the images of lists",
} as const;

/** The kinds of runs of `nodesweep local`, which pulls the images of lists itself. */
export const localKinds: readonly RunKind[] = [
  cleanup,
  {
    ...prepull,
    // The nodes have no taints.
    startup: undefined,
    judgeNode: (node, policy) => {
      const judged = prepull.judgeNode(node, policy);
      return judged.verdict === 'Eligible' && hasDockerEngine(node) ? dockerEngine : judged;
    },
  },
];

function hasDockerEngine({ runtime }: Node): boolean {
  return runtime?.socket.endsWith('/docker.sock') === true;
}
