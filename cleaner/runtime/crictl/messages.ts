import type { RemovalComplaint } from '../runtime.ts';

/**
 * Reads the text that crictl wrote on standard error about the images it was to remove: it joins the errors of all into
 * one message.
 */
export function readComplaints(stderr: string, imageIds: readonly string[]): readonly RemovalComplaint[] {
  const logged = readLog(stderr);
  const lines = logged.length > 0 ? logged : stderr.trim().split('\n');
  const complaints = imageIds.flatMap((imageId) => {
    const message = lines.find((line) => line.includes(imageId));
    return message === undefined ? [] : [{ imageId, message }];
  });
  return complaints.length > 0 ? complaints : [{ message: lastLine(stderr) }];
}

/** The message in the last line that crictl logged, without the time and level around it. */
export function lastLine(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return readLog(line).at(-1) ?? (line || 'no message');
}

/** Logged messages, taken apart where one holds several lines. */
function readLog(stderr: string): readonly string[] {
  return [...stderr.matchAll(/msg=("(?:[^"\\]|\\.)*")/g)]
    .map(([, quoted]) => unquote(quoted ?? ''))
    .flatMap((message) => message.split('\n'));
}

function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
