import type { ValueKind } from '../cluster/offered-values.ts';
import type { ClusterOptions } from '../cluster/options.ts';

/** The options whose value is the name of something in a cluster. */
const kindOfOption: Readonly<Record<string, ValueKind>> = {
  '--node': 'Node',
  '-n': 'Namespace',
  '--namespace': 'Namespace',
  '--context': 'Context',
};

/** The place of a policy among the arguments of a command, counted from 0. */
const placeOfPolicy: Readonly<Record<string, number>> = { run: 0, status: 0, plan: 0, explain: 1 };

/** The kind of the last word of a command line; undefined if no cluster knows such values. */
export function wantedValue(words: readonly string[]): ValueKind | undefined {
  const [command = '', ...rest] = words;
  const current = rest.at(-1) ?? '';
  const option = kindOfOption[rest.at(-2) ?? ''];
  if (option !== undefined) return option;
  const isArgument = !current.startsWith('-') && !isValue(rest, rest.length - 1);
  if (!isArgument || !Object.hasOwn(placeOfPolicy, command)) return undefined;
  return countArguments(rest.slice(0, -1)) === placeOfPolicy[command] ? 'Policy' : undefined;
}

/** The cluster that the words before the last one choose. */
export function chosenCluster(words: readonly string[]): ClusterOptions {
  const before = words.slice(0, -1);
  const chosen = (...names: readonly string[]) => {
    const index = before.findLastIndex((word) => names.includes(word));
    return index === -1 ? undefined : before[index + 1];
  };
  return {
    namespace: chosen('-n', '--namespace'),
    kubeconfig: chosen('--kubeconfig'),
    context: chosen('--context'),
  };
}

/** Options of the commands with a policy that have no value. */
const flags = new Set(['-f', '--follow', '--fresh', '-h', '--help']);

function countArguments(words: readonly string[]): number {
  return words.filter((word, index) => !word.startsWith('-') && !isValue(words, index)).length;
}

/** True if the word is the value of an option. */
function isValue(words: readonly string[], index: number): boolean {
  const before = words[index - 1] ?? '';
  return before.startsWith('-') && !before.includes('=') && !flags.has(before);
}
