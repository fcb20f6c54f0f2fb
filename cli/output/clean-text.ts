import * as z from 'zod';
import { formatBytes } from '../../contract/bytes.ts';
import { imageLineSchema } from '../../contract/image-line.ts';
import { type Report, reportSchema } from '../../contract/report.ts';

/** A line of the cleaner's log that a person needs to see. */
const lineSchema = z.discriminatedUnion('event', [
  imageLineSchema.extend({ reason: z.string().default('without a reason'), message: z.string().default('') }),
  z.object({ event: z.literal('report'), ...reportSchema.shape }),
  z.object({ event: z.literal('stopping'), msg: z.string() }),
  z.object({ event: z.literal('error'), reason: z.string(), msg: z.string() }),
]);

export type CleanLine = z.output<typeof lineSchema>;
type ImageLine = Extract<CleanLine, { event: 'image' }>;

/** Parses a line of the log; undefined for a line that only programs need. */
export function parseCleanLine(text: string): CleanLine | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Writes the lines of the cleaner's log as sentences for a person. */
export class CleanText {
  readonly #kept: ImageLine[] = [];
  #planned = 0;
  #done = 0;

  /** The number of images to remove, known before the first line. */
  plan(removals: number): void {
    this.#planned = removals;
  }

  /** The sentences that follow from a line of the log. */
  add(line: CleanLine): readonly string[] {
    switch (line.event) {
      case 'image':
        return this.#addImage(line);
      case 'stopping':
        return [`stopping: ${line.msg}`];
      case 'error':
        // The report repeats the errors before it.
        return line.reason === 'ReportNotWritten' ? [`${line.reason}: ${line.msg}`] : [];
      case 'report':
        return [...describeKept(this.#kept), ...describeReport(line)];
      default:
        return line satisfies never;
    }
  }

  #addImage(line: ImageLine): readonly string[] {
    if (line.decision === 'keep') {
      this.#kept.push(line);
      return [];
    }
    this.#done += 1;
    return [`${this.#done}/${Math.max(this.#planned, this.#done)} ${describeRemoval(line)}`];
  }
}

function describeRemoval({ id, names: [name = id], outcome, reason, message, sizeBytes, set }: ImageLine): string {
  const cause = set === undefined ? '' : `: ${message}`;
  const image = `${name} (${formatBytes(sizeBytes)})`;
  if (outcome === 'planned') return `would remove ${image}${cause}`;
  if (outcome === 'removed') return `removed ${image}${cause}`;
  return `${outcome === 'unknown' ? 'unknown if removed' : `not removed (${outcome})`}: ${image}: ${reason}: ${message}`;
}

/** The images that stay by reason, those with the most bytes first, with the words of the first of each. */
function describeKept(images: readonly ImageLine[]): readonly string[] {
  const groups = [...Map.groupBy(images, ({ reason }) => reason)]
    .map(([reason, some]) => ({ reason, some, bytes: some.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }))
    .toSorted((a, b) => b.bytes - a.bytes);
  return groups.map(({ reason, some, bytes }) => {
    const [example] = some;
    const words = example?.message ? `; for example ${example.names[0] ?? example.id}: ${example.message}` : '';
    return `kept ${some.length} ${reason} (${formatBytes(bytes)})${words}`;
  });
}

function describeReport({ outcome, images, bytes, filesystem, errors, omitted = 0 }: Report): readonly string[] {
  const { removed, failed, skipped, unknown, kept, total } = images;
  const others = Object.entries({ failed, skipped, unknown }).filter(([, count]) => count > 0);
  const rest = [...others.map(([word, count]) => `${count} ${word}`), `${kept} kept`].join(', ');
  const sum =
    outcome === 'DryRun'
      ? `dry run: ${total - kept} of ${total} images would be removed (${formatBytes(bytes.nominal)}); ${kept} kept`
      : `${outcome}: ${removed} of ${total} images removed, ${formatBytes(bytes.freed)} freed; ${rest}`;
  const more = omitted > 0 ? [`and ${omitted} more errors`] : [];
  const failures = errors.map(({ image, reason, message }) => [image, reason, message].filter(Boolean).join(': '));
  return [...failures, ...more, sum, ...describeDisk(outcome, filesystem)];
}

function describeDisk(
  outcome: Report['outcome'],
  { capacityBytes, usedBeforeBytes, usedAfterBytes }: Report['filesystem'],
) {
  if (capacityBytes === 0) return [];
  const percent = (bytes: number) => `${Math.round((bytes / capacityBytes) * 1_000) / 10} %`;
  const after = outcome === 'DryRun' ? '' : ` -> ${percent(usedAfterBytes)}`;
  return [`disk usage: ${percent(usedBeforeBytes)}${after}`];
}
