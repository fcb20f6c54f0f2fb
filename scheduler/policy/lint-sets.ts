import { maxSetBytes, parseImageSet, parseSetTime, type SetProblem } from '../../contract/images/image-set.ts';
import { annotation } from '../../contract/labels.ts';
import type { Remark } from './files/findings.ts';
import type { FileSet } from './files/set-file.ts';

/** Maximum number of findings about the lines of one key. A last finding counts the others. */
const maxLines = 100;

/** The problems of image sets. A cleaner can't read a set without keys, or one that is too large. */
export function lintSets(sets: readonly FileSet[]): Remark[] {
  return [...duplicates(sets), ...sets.flatMap(problemsOf)];
}

/** The reason why a cleaner can't read an image set; undefined if it can. */
export function findUnreadable({ texts, hasBinaryData }: FileSet): string | undefined {
  if (hasBinaryData) return 'has binaryData; write images as text, below data';
  if (texts.length === 0) return 'has no keys; write its images below a key of data, one image a line';
  const bytes = texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return bytes > maxSetBytes ? 'is larger than 1 MiB, the limit of a ConfigMap' : undefined;
}

function duplicates(sets: readonly FileSet[]): Remark[] {
  const names = new Set<string>();
  return sets.flatMap((set) => {
    const isNew = !names.has(set.name);
    names.add(set.name);
    return isNew
      ? []
      : [
          ofSet(
            set,
            'metadata.name',
            'has the name of an earlier image set in this file, which this one would replace',
          ),
        ];
  });
}

function problemsOf(set: FileSet): Remark[] {
  const unreadable = findUnreadable(set);
  if (unreadable !== undefined) return [ofSet(set, 'data', unreadable)];
  return [...timeProblems(set), ...set.texts.flatMap(({ key, text }) => lineProblems(set, key, text))];
}

function timeProblems(set: FileSet): Remark[] {
  const { updatedAt } = set;
  if (updatedAt === undefined || parseSetTime(updatedAt) !== undefined) return [];
  const message = `has no time in its annotation ${annotation.setUpdatedAt}; write it like 2026-03-02T10:00:00Z`;
  return [ofSet(set, 'metadata.annotations', message)];
}

function lineProblems(set: FileSet, key: string, text: string): Remark[] {
  const { problems } = parseImageSet(text);
  if (problems.length === 0) return [];
  const starts = startsOfLines(text);
  // All findings of a text share its place, so that it is parsed once.
  const manifest = { ...set.manifest, key };
  const toRemark = (line: number, message: string): Remark => ({
    severity: 'error',
    manifest,
    problem: { path: '', message, place: { offset: starts[line - 1] ?? 0 } },
  });
  const shown = problems.slice(0, maxLines);
  const remarks = shown.map((problem) => toRemark(problem.line, describeLine(set.name, key, problem)));
  const next = problems[maxLines];
  if (next === undefined) return remarks;
  const others = problems.length - shown.length;
  return [...remarks, toRemark(next.line, `image set ${set.name}, key ${key}: and ${others} more lines have problems`)];
}

function describeLine(name: string, key: string, { line, message }: SetProblem): string {
  return `image set ${name}, key ${key}, line ${line}: ${message}`;
}

/** The offset of the first character of each line that is not a space. */
function startsOfLines(text: string): readonly number[] {
  const starts = [0, ...[...text.matchAll(/\r\n|\r|\n/g)].map(({ 0: end, index }) => index + end.length)];
  return starts.map((start) => {
    const first = /[^\s\ufeff]/g;
    first.lastIndex = start;
    return first.exec(text)?.index ?? start;
  });
}

function ofSet({ name, manifest }: FileSet, path: string, message: string): Remark {
  return { severity: 'error', manifest, problem: { path, message: `image set ${name} ${message}` } };
}
