/** The message in the last log line of crictl, without time and level. */
export function lastLine(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return readLog(line).at(-1) ?? (line || 'no message');
}

/** Log messages of crictl, split if one has several lines. */
export function readLog(stderr: string): readonly string[] {
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
