import type { HarborApi } from './api.ts';
import { HarborError } from './errors.ts';
import { type Project, projectSchema } from './look/answers.ts';
import { projectOf } from './look/inventory.ts';
import type { HarborMemory } from './look/memory.ts';

/** The projects of a look. */
export interface ProjectChoice {
  readonly projects: readonly Project[];
  /** Projects of an earlier look that Harbor says it does not have any more. */
  readonly deleted: readonly string[];
}

/** A list of projects that was read with credentials that Harbor did not accept any more is read again. */
const maxLooks = 3;

/**
 * Chooses the projects to read: those with these names, or all if there are none. A project that was there at the last look and
 * is not listed now must really be deleted: an account with fewer rights and one that has expired see fewer projects, too.
 */
export async function chooseProjects(
  api: HarborApi,
  names: readonly string[],
  before: HarborMemory,
  signal: AbortSignal,
): Promise<ProjectChoice> {
  const listed = await listProjects(api, signal);
  const projects = names.length === 0 ? listed : listed.filter(({ name }) => names.includes(name));
  const found = new Set(projects.map(({ name }) => name));
  const missing = [...expectedProjects(names, before)].filter((name) => !found.has(name));
  for (const name of missing) await requireDeleted(api, name, signal);
  const unknown = missing.filter((name) => !expectedProjects([], before).has(name));
  if (unknown.length > 0)
    throw new HarborError(`there is no project ${unknown.join(', ')}: correct or remove its --project`);
  return { projects, deleted: missing };
}

/**
 * The login is checked after the list was read, because a list that somebody without a login reads looks complete. If the check
 * finds that the credentials have changed, the list is read again with the new ones.
 */
async function listProjects(api: HarborApi, signal: AbortSignal): Promise<readonly Project[]> {
  for (let look = 1; look <= maxLooks; look += 1) {
    const changes = api.credentialChanges;
    const projects = await api.readList('/projects', { with_detail: 'false', sort: 'name' }, projectSchema, signal);
    await api.checkLogin(signal);
    if (api.credentialChanges === changes) return projects;
  }
  throw new HarborError(
    `the credentials have changed ${maxLooks} times while the projects were read: run the command again`,
  );
}

/** Projects with these names, or all of the last look and those of images that departed. */
function expectedProjects(names: readonly string[], before: HarborMemory): ReadonlySet<string> {
  if (names.length > 0) return new Set(names);
  return new Set([...before.inventory.keys(), ...before.departures.map(({ repository }) => projectOf(repository))]);
}

async function requireDeleted(api: HarborApi, name: string, signal: AbortSignal): Promise<void> {
  if (!(await api.hasProject(name, signal))) return;
  throw new HarborError(
    `project ${name} exists, but the account does not see it: give it the right to list and read what is in the project, or name the other projects with --project`,
  );
}
