/** A line of the log of containerd. */
interface Entry {
  /** In milliseconds since the epoch. */
  readonly at: number;
  readonly message: string;
}

/** When a run began and when its end was on record, in milliseconds since the epoch. */
export interface Span {
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * The parts of the time of a run with one puller, in ms, as the log of containerd 1.6 tells. No other pod may start in the
 * meantime.
 */
export function profilePuller(
  log: string,
  run: string,
  { startedAt, endedAt }: Span,
): Readonly<Record<string, number>> {
  const entries = log.split('\n').flatMap(readEntry);
  const first = (...parts: readonly string[]) => find(entries, startedAt, parts);
  const begun = first(`RunPodSandbox for &PodSandboxMetadata{Name:${run}-`);
  const placed = first(`RunPodSandbox for &PodSandboxMetadata{Name:${run}-`, 'returns sandbox id');
  const since = entries.filter(({ at }) => at > placed.at && at <= endedAt);
  const images = since.filter(({ message }) =>
    /^PullImage |for container &ContainerMetadata\{Name:image-/.test(message),
  );
  const firstImage = images[0]?.at ?? Number.NaN;
  const lastStart = since.filter(({ message }) => /^StartContainer .* returns/.test(message)).at(-1)?.at ?? Number.NaN;
  const pullMs = sumPulls(since);
  return {
    'until the sandbox': begun.at - startedAt,
    'the sandbox': placed.at - begun.at,
    'the first container, and its end': firstImage - placed.at,
    pulls: pullMs,
    'containers of images': lastStart - firstImage - pullMs,
    'until the end is on record': endedAt - lastStart,
  };
}

function readEntry(line: string): Entry[] {
  const [, time = '', message = ''] = /^time="([^"]+)" level=info msg="(.*)"$/.exec(line) ?? [];
  return time === '' ? [] : [{ at: Date.parse(time), message: message.replaceAll('\\"', '"') }];
}

function find(entries: readonly Entry[], since: number, parts: readonly string[]): Entry {
  const found = entries.find(({ at, message }) => at >= since && parts.every((part) => message.includes(part)));
  if (found === undefined) throw new Error(`the log of containerd has no line with ${parts.join(' and ')}`);
  return found;
}

/** A kubelet with the default settings pulls one image at a time. */
function sumPulls(entries: readonly Entry[]): number {
  const pulls = entries.filter(({ message }) => message.startsWith('PullImage '));
  const ends = pulls.filter(({ message }) => message.includes(' returns ')).map(({ at }) => at);
  const starts = pulls.filter(({ message }) => !message.includes(' returns ')).map(({ at }) => at);
  return ends.reduce((sum, end, index) => sum + end - (starts[index] ?? end), 0);
}
