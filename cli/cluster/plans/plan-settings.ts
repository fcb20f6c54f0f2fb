import { parseArgs } from 'node:util';
import { readSettings, type Settings, settings } from '../../../scheduler/settings/settings.ts';

/** The settings of a scheduler: its image, arguments and environment. */
export interface SchedulerContainer {
  readonly image: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The settings of a running scheduler, from its flags, its environment and its image. Throws a SettingsError.
 */
export function settingsOfScheduler({
  image,
  args,
  environment,
}: SchedulerContainer): Settings & { readonly image: string } {
  const read = readSettings(readFlags(args), environment);
  return { ...read, image: read.image ?? image };
}

function readFlags(args: readonly string[]): Record<string, string> {
  const names = Object.entries(settings).map(([name, { flag }]) => [/^--(\S+)/.exec(flag)?.[1] ?? name, name] as const);
  const options = Object.fromEntries(names.map(([flag]) => [flag, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true });
  return Object.fromEntries(
    names.flatMap(([flag, name]) => {
      const value = values[flag];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}
