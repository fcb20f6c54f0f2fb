import { createGrowingDeadline } from '../growing-deadline.ts';
import { hasRunOutOfTime } from './error.ts';
import type { CrictlCall, RunCrictl } from './process.ts';

/** The commands that list all objects of a kind, so that their time depends on the node. */
const listing: ReadonlySet<string | undefined> = new Set(['images', 'ps', 'pods', 'info', 'imagefsinfo']);

/** Calls crictl, and gives lists more time if they need it. The other calls do not change. */
export function withListDeadlines(run: RunCrictl, firstSeconds: number, maxSeconds?: number): RunCrictl {
  const callWithin = createGrowingDeadline(firstSeconds, maxSeconds);
  return (call, args) => {
    if (!listing.has(args[0])) return run(call, args);
    return callWithin(
      (seconds) => run(withTime(call, firstSeconds, seconds), args),
      (ended) => 'problem' in ended && hasRunOutOfTime(ended.problem),
    );
  };
}

/** The deadline of the process stays as much later than that of crictl as before. */
function withTime(call: CrictlCall, firstSeconds: number, seconds: number): CrictlCall {
  const [option = '-t', , ...others] = call.global;
  const graceSeconds = call.deadlineSeconds - firstSeconds;
  return { ...call, global: [option, `${seconds}s`, ...others], deadlineSeconds: seconds + graceSeconds };
}
