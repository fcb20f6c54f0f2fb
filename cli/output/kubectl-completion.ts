/**
 * The file `kubectl_complete-nodesweep`. kubectl calls it with the words after `nodesweep`, of which the last one is not finished,
 * and reads one word and its description from each line:
 * https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
 */
export const kubectlCompletion = `#!/bin/sh
# Completes the words of \`kubectl nodesweep\`, for kubectl. It belongs beside kubectl-nodesweep on PATH.
exec kubectl-nodesweep complete -- "$@"`;
