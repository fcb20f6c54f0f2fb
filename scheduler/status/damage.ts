import { cutText } from '../../contract/text.ts';

/** An object of the scheduler that can't be read. */
export interface Damage {
  /** The name of its ConfigMap. */
  readonly configMap: string;
  /** The message of the error. */
  readonly cause: string;
}

/** The number of ConfigMaps that a text names. A downgrade makes all records of a policy unreadable at once. */
const maxNames = 5;
const maxCauseLength = 300;

/** Describes records that can't be read, with the next step, in a text that fits into an Event; undefined without records. */
export function describeUnreadable(records: readonly Damage[]): string | undefined {
  const [first, ...others] = records;
  if (first === undefined) return undefined;
  const cause = shorten(first.cause);
  if (others.length === 0)
    return `ConfigMap ${first.configMap} can't be read (${cause}): delete it if it was damaged by hand, or run the version of nodesweep that wrote it`;
  const names = namesInText(records);
  const more = records.length > names.length ? ` and ${records.length - names.length} others` : '';
  return `ConfigMaps ${names.join(', ')}${more} can't be read (${first.configMap}: ${cause}): delete those that were damaged by hand, or run the version of nodesweep that wrote them`;
}

/** The names that {@link describeUnreadable} gives. */
export function namesInText(records: readonly Damage[]): readonly string[] {
  return records
    .map(({ configMap }) => configMap)
    .sort()
    .slice(0, maxNames);
}

/** Describes the loss of a status that could not be read, and that the scheduler has replaced, with the next step. */
export function describeLostStatus({ configMap, cause }: Damage): string {
  return `ConfigMap ${configMap} could not be read (${shorten(cause)}), so the scheduler wrote it again: no run starts for earlier scheduled times; set nodesweep.io/run-at to start one now`;
}

/** The first part of an error on one line. */
function shorten(cause: string): string {
  return cutText(cause.replaceAll(/\s+/g, ' '), maxCauseLength);
}
