import type { Command, Option } from 'commander';

/** The names of values that are paths, in the definitions of options and arguments. */
const isPath = (name: string) => /^<?\[?(?:file|directory|path)s?\b/.test(name);

/** True if the last word of a command line is the path of a file or directory, by the definitions of the commands. */
export function takesPath(program: Command, words: readonly string[]): boolean {
  const { command, rest } = findCommand(program, words);
  const current = rest.at(-1);
  if (current === undefined) return false;
  const option = optionWithValue(command, rest.at(-2));
  if (option !== undefined) return isPath(valueNameOf(option));
  if (current.startsWith('-') && current !== '-') return false;
  return isPath(argumentAt(command, countArguments(command, rest.slice(0, -1))));
}

/** The command that the words choose, and the words after it. */
function findCommand(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } {
  const [name, ...rest] = words;
  // The last word is not finished, so it chooses nothing.
  const command = rest.length === 0 ? undefined : program.commands.find((candidate) => candidate.name() === name);
  return command === undefined ? { command: program, rest: words } : findCommand(command, rest);
}

function optionWithValue(command: Command, word: string | undefined): Option | undefined {
  return command.options.find(
    ({ short, long, required }) => required && word !== undefined && [short, long].includes(word),
  );
}

/** The name of an option's value, such as `<file>`. */
function valueNameOf({ flags }: Option): string {
  return flags.split(' ').at(-1) ?? '';
}

/** The name of the argument in a place. The last one may take all further words. */
function argumentAt({ registeredArguments }: Command, place: number): string {
  const last = registeredArguments.at(-1);
  return (registeredArguments[place] ?? (last?.variadic ? last : undefined))?.name() ?? '';
}

function countArguments(command: Command, words: readonly string[]): number {
  return words.filter(
    (word, index) =>
      (!word.startsWith('-') || word === '-') && optionWithValue(command, words[index - 1]) === undefined,
  ).length;
}
