import * as z from 'zod';
import { imageLineSchema } from '../../../contract/image-line.ts';
import { type PlanDocument, planSchema } from '../../../contract/plan-document.ts';
import { type Report, reportSchema } from '../../../contract/report.ts';

/** The log of a cleaner pod that has ended. */
export interface CleanerLog {
  readonly policy: string;
  readonly run: string;
  readonly node: string;
  readonly finishedAt: Date;
  readonly text: string;
}

/** One line of the log: an image, or the report at the end. */
const lineSchema = z.discriminatedUnion('event', [
  imageLineSchema.extend({ message: z.string().default('') }),
  z.object({ event: z.literal('report'), ...reportSchema.shape }),
]);

type ImageLine = Extract<z.output<typeof lineSchema>, { event: 'image' }>;

/** Reads the plan of a run from its log; undefined if the log lacks its end or some images. */
export function readPlanOfLog(log: CleanerLog, disk: PlanDocument['disk']): PlanDocument | undefined {
  const lines = log.text.split('\n').flatMap(parseLine);
  const report = lines.find((line) => line.event === 'report');
  const images = lines.filter((line) => line.event === 'image');
  if (report === undefined || images.length === 0 || images.length !== report.images.total) return undefined;
  const document: z.input<typeof planSchema> = {
    version: 1,
    policy: log.policy,
    node: log.node,
    run: log.run,
    time: log.finishedAt.toISOString(),
    ...(disk && { disk }),
    filesystem: readFilesystem(report),
    images: images.map(toPlannedImage).toSorted((a, b) => b.sizeBytes - a.sizeBytes),
    totals: addUp(images),
    notes: [],
  };
  return planSchema.parse(document);
}

function parseLine(line: string): z.output<typeof lineSchema>[] {
  try {
    const { data } = lineSchema.safeParse(JSON.parse(line));
    return data === undefined ? [] : [data];
  } catch {
    return [];
  }
}

function toPlannedImage({ event: _event, ...image }: ImageLine) {
  return { ...image, verdicts: [] };
}

function addUp(images: readonly ImageLine[]): PlanDocument['totals'] {
  const sum = (some: readonly ImageLine[]) => some.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  const removals = images.filter(({ decision }) => decision === 'remove');
  return {
    images: images.length,
    sizeBytes: sum(images),
    removals: removals.length,
    freesBytes: sum(removals),
    nominal: removals.length,
  };
}

/** A report has only the capacity, so its percentages are a little lower than those of `df`. */
function readFilesystem({ filesystem }: Pick<Report, 'filesystem'>): PlanDocument['filesystem'] {
  const { capacityBytes, usedBeforeBytes, usedAfterBytes } = filesystem;
  if (capacityBytes === 0) return undefined;
  const percent = (bytes: number) => Math.round((bytes / capacityBytes) * 1_000) / 10;
  return {
    capacityBytes,
    usedBytes: usedBeforeBytes,
    usedPercent: percent(usedBeforeBytes),
    afterBytes: usedAfterBytes,
    afterPercent: percent(usedAfterBytes),
  };
}
