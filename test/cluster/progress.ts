/** Tells whoever waits what is being done; to standard error, which leaves standard output to results. */
export function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}
