/** Writes a document for programs. JSON is on one line, except on a terminal. */
export async function formatDocument(document: object, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return JSON.stringify(document, undefined, process.stdout.isTTY ? 2 : undefined);
  const { stringify } = await import('yaml');
  return stringify(document, { lineWidth: 0 }).trimEnd();
}
