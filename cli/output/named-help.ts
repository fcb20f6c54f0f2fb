/** The text of a help, with the name of the program in front of each of its commands. */
export function nameProgram(text: string, name: string, commands: readonly string[]): string {
  const calls = new RegExp(`(?<!kubectl )\\bnodesweep (?=(?:${commands.join('|')})\\b)`, 'g');
  return text.replaceAll(calls, `${name} `);
}
