import type { Job } from '../../contract/job.ts';
import { digestNames, type PullVerdicts } from '../../contract/pull-verdicts.ts';
import type { Image } from '../runtime/runtime.ts';
import type { KeepRule } from './keep-rules.ts';

/**
 * The rules for images that can't be pulled again: the registry does not have them, or gave no answer about them. Without any
 * answers both keep every image, because only the scheduler can ask.
 */
export function keepUnpullable({ images, pullVerdicts }: Job): readonly KeepRule[] {
  if (!images.requirePullable) return [];
  const judge = judgeBy(pullVerdicts);
  const rule = (reason: Finding['reason'], otherwise: string): KeepRule => ({
    reason,
    findCause: (image) => {
      const found = judge(image);
      return found?.reason === reason ? found.message : undefined;
    },
    otherwise,
  });
  return [
    rule('NotPullable', 'no registry says that it is gone'),
    rule('RegistryUnknown', 'its registry has answered'),
  ];
}

/**
 * The rule for images that can't be pulled again, as far as it is known, and of which no other node is known to keep a copy. Only
 * the scheduler knows the other nodes. Its answer does not count for long.
 */
export function keepLastCopies({ images, pullVerdicts }: Job, now: number): readonly KeepRule[] {
  if (!images.keepLastCopy) return [];
  const judge = judgeBy(pullVerdicts);
  const describe = describeCopies(pullVerdicts, now);
  return [
    {
      reason: 'LastCopy',
      findCause: (image) => {
        const found = judge(image);
        const cause = found && describe(image);
        return cause && `${found.message}, and ${cause}`;
      },
      otherwise: 'its registry has it, or another node keeps a copy',
    },
  ];
}

/** Returns why no other node is known to keep a copy of an image; undefined if one keeps a copy. */
function describeCopies(verdicts: PullVerdicts | undefined, now: number): (image: Image) => string | undefined {
  const { spared = [], until = '', note = 'no other node is known to keep a copy' } = verdicts?.copies ?? {};
  const known = new Set(spared);
  // A time that can't be read is over.
  const isValid = now <= Date.parse(until);
  return ({ id }) => {
    if (!known.has(id)) return note;
    return isValid ? undefined : `the answer about other nodes was valid until ${until}: look at the clock of the node`;
  };
}

type Finding = { readonly reason: 'NotPullable' | 'RegistryUnknown'; readonly message: string };

/** Returns why an image can't be pulled again, as far as it is known; undefined if one of its registries has it. */
function judgeBy(verdicts: PullVerdicts | undefined): (image: Image) => Finding | undefined {
  if (verdicts === undefined)
    return () => ({
      reason: 'RegistryUnknown',
      message: 'only the scheduler asks the registry, when it runs the policy',
    });
  const pullable = new Set(verdicts.pullable);
  const absent = new Set(verdicts.absent);
  return ({ names }) => {
    const digests = digestNames(names);
    if (digests.some((name) => pullable.has(name))) return undefined;
    const unknown = digests.find((name) => !absent.has(name));
    const [first] = digests;
    if (first === undefined)
      return { reason: 'RegistryUnknown', message: 'it has no repository digest, so no registry can be asked' };
    if (unknown === undefined)
      return { reason: 'NotPullable', message: `its registry does not have it any more (${first})` };
    return { reason: 'RegistryUnknown', message: describeUnknown(unknown, verdicts) };
  };
}

function describeUnknown(name: string, { unanswered, note }: PullVerdicts): string {
  const host = name.slice(0, name.indexOf('/'));
  const cause = Object.hasOwn(unanswered, host) ? unanswered[host] : undefined;
  if (cause !== undefined) return `no answer about it from the registry ${host}: ${cause}`;
  return note ?? `no registry was asked about it (${name})`;
}
