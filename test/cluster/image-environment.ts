import { readFileSync } from 'node:fs';

const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
const settingOf = (name: string) => new RegExp(`^(?:ENV| {3}) ${name}=(\\S*)`, 'm').exec(dockerfile)?.[1] ?? '';

/** All that the image sets for the processes in it. */
export const imageEnvironment = {
  NODE_OPTIONS: settingOf('NODE_OPTIONS'),
  MALLOC_ARENA_MAX: settingOf('MALLOC_ARENA_MAX'),
};
