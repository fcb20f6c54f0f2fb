import { InvalidArgumentError } from 'commander';
import { durationSchema } from '../../contract/duration.ts';

/** Makes the parser of a list such as `CRITICAL,HIGH`, in any case and order. The result has the order of the known words. */
export function parserOfList<Word extends string>(known: readonly Word[]): (text: string) => readonly Word[] {
  return (text) => {
    const words = text.split(',').map((word) => word.trim().toUpperCase());
    const isKnown = (word: string) => known.some((name) => name === word);
    if (!words.every(isKnown)) throw new InvalidArgumentError(`It must be a list of ${known.join(', ')}.`);
    return known.filter((name) => words.includes(name));
  };
}

/** Parses a duration such as `30d` to milliseconds. */
export function parseDuration(text: string): number {
  const { data, error } = durationSchema.safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`It ${error.issues[0]?.message}.`);
  return data;
}
