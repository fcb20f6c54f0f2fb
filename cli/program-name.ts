import { basename } from 'node:path';

/** The words with which people call the program. */
export type ProgramName = 'nodesweep' | 'kubectl nodesweep';

/**
 * The name of the program, by the path of the file that was started. kubectl starts `kubectl-nodesweep` for `kubectl nodesweep`:
 * https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
 */
export function programName(path: string): ProgramName {
  return /^kubectl-nodesweep(?:\.\w+)?$/i.test(basename(path)) ? 'kubectl nodesweep' : 'nodesweep';
}

/** The text with the name of the program in the calls that it advises: those after a backquote or a colon. */
export function nameCalls(text: string, name: ProgramName): string {
  return text.replaceAll(/(?<=`|: )nodesweep (?=[a-z])/g, `${name} `);
}
