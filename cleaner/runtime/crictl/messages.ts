import type { RemovalComplaint } from '../runtime.ts';

/**
 * Parses the errors of a removal from the standard error of crictl, which joins the errors of all images into one message.
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

/** The message in the last log line of crictl, without time and level. */
export function lastLine(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return readLog(line).at(-1) ?? (line || 'no message');
}

/** Log messages, split if one has several lines. */
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
