import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { parse } from 'yaml';
import { plainScreen } from '../../cli/output/layout/screen.ts';
import { formatImages } from '../../cli/output/status-table.ts';
import { localKinds } from '../../scheduler/kinds.ts';
import { type ImageOverview, imageOverviews } from '../../scheduler/prepull/overview.ts';
import { parsePrepull } from '../../scheduler/prepull/policy.ts';
import { decodeRun } from '../../scheduler/run/record.ts';
import { listDocument, listPolicy } from './policy.ts';

/** The beginning of a digest, `sha256:` and some digits, so that the table is not too wide. */
const digestLength = 13;

/** The images of the lists, as the records of the scheduler show them. */
export async function readImages(state: string): Promise<readonly ImageOverview[]> {
  const runs = join(state, 'runs');
  const texts = await Promise.all((await readdir(runs)).map((file) => readFile(join(runs, file), 'utf8')));
  const parsed = parsePrepull(listDocument);
  if (!parsed.valid) throw new Error(`the lists are not valid: ${JSON.stringify(parsed.problems)}`);
  const records = texts.map((text) => decodeRun(parse(text), localKinds));
  return imageOverviews(
    parsed.policy,
    records.filter(({ policy }) => policy === listPolicy),
  );
}

/** The tables about images of `nodesweep status`. */
export function imageTables(images: readonly ImageOverview[]): string[] {
  const shown = images.map((image) => ({ ...image, digests: image.digests.map(shorten) }));
  return [styleText('bold', `$ nodesweep status ${listPolicy}`), ...formatImages(shown, plainScreen).slice(1)];
}

function shorten(digest: string): string {
  return `${digest.slice(0, digestLength)}…`;
}
