import { formatSentence } from './layout/paragraph.ts';
import type { Screen } from './layout/screen.ts';

/** The versions of this program and of the scheduler. */
export interface Versions {
  readonly client: string;
  /** Absent if nobody asked for it. */
  readonly scheduler?: SchedulerVersion;
}

export type SchedulerVersion =
  | { readonly kind: 'Known'; readonly version: string; readonly image: string }
  | { readonly kind: 'Unknown'; readonly why: string };

const versionTag = /:v?(\d+\.\d+\.\d+\S*?)(?:@sha256:[0-9a-f]+)?$/;

/** The version of a scheduler, which is the tag of its image. */
export function versionOfImage(image: string): SchedulerVersion {
  const [, version] = versionTag.exec(image) ?? [];
  if (version !== undefined) return { kind: 'Known', version, image };
  return { kind: 'Unknown', why: `its image ${image} has no version as its tag` };
}

/** True for versions with the same major and minor number: they write the same records and plans. Undefined if one is not known. */
export function doFit({ client, scheduler }: Versions): boolean | undefined {
  return scheduler?.kind === 'Known' ? minorOf(client) === minorOf(scheduler.version) : undefined;
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

export function formatVersions(versions: Versions, screen: Screen): string {
  const { client, scheduler } = versions;
  const own = `nodesweep ${client}`;
  if (scheduler === undefined) return own;
  if (scheduler.kind === 'Unknown')
    return [own, formatSentence(`scheduler unknown: ${scheduler.why}`, screen)].join('\n');
  const advice = doFit(versions)
    ? 'Both fit.'
    : `They do not fit: use nodesweep ${minorOf(scheduler.version)}.x, or update the scheduler.`;
  return [own, `scheduler ${scheduler.version} (${scheduler.image})`, advice].join('\n');
}
