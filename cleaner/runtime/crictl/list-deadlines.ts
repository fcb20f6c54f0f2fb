import type { CrictlCall, CrictlEnd, RunCrictl } from './process.ts';

/** The commands that list everything of a kind: they take as long as there is much of it. */
const listing: ReadonlySet<string | undefined> = new Set(['images', 'ps', 'pods', 'info', 'imagefsinfo']);

/**
 * Calls crictl with patience: a list that runs out of time is asked for again with twice the time, until it had `maxSeconds`.
 * All later lists get the time that one needed. Other calls are made as they are.
 */
export function callPatiently(run: RunCrictl, firstSeconds: number, maxSeconds: number): RunCrictl {
  let known = firstSeconds;
  return async (call, args) => {
    if (!listing.has(args[0])) return run(call, args);
    for (let seconds = known; ; seconds = Math.min(2 * seconds, maxSeconds)) {
      const ended = await run(withTime(call, firstSeconds, seconds), args);
      if (seconds >= maxSeconds || !hasRunOutOfTime(ended)) {
        known = Math.max(known, seconds);
        return ended;
      }
    }
  };
}

/** The process gets as much longer than crictl itself as before. */
function withTime(call: CrictlCall, firstSeconds: number, seconds: number): CrictlCall {
  const [option = '-t', , ...others] = call.global;
  const graceSeconds = call.deadlineSeconds - firstSeconds;
  return { ...call, global: [option, `${seconds}s`, ...others], deadlineSeconds: seconds + graceSeconds };
}

function hasRunOutOfTime(ended: CrictlEnd): boolean {
  if (!('problem' in ended)) return false;
  const { problem } = ended;
  return problem.kind === 'TimedOut' || (problem.kind === 'Exited' && problem.stderr.includes('DeadlineExceeded'));
}
