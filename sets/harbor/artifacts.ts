import pMap from 'p-map';
import { type HarborApi, repositoryPath } from './api.ts';
import { NotFoundError } from './errors.ts';
import { type Artifact, artifactSchema, type Project, type Repository, repositorySchema } from './look/answers.ts';
import type { Image } from './look/departures.ts';
import { pathInProject, projectOf } from './look/inventory.ts';

/** The number of questions to Harbor at a time: its database answers them all. */
export const concurrency = 4;

/** The scan and the tags come with an artifact. */
const overviews = { with_tag: 'true', with_scan_overview: 'true', with_label: 'false' };
/** All artifacts, also the images of indexes, which Harbor does not list otherwise. */
const allArtifacts = { q: 'base=*', sort: 'id' };

/** Reads all artifacts of projects. */
export async function readArtifacts(
  api: HarborApi,
  projects: readonly Project[],
  signal: AbortSignal,
): Promise<readonly Artifact[]> {
  const repositories: Repository[] = [];
  for (const { name } of projects)
    repositories.push(
      ...(await api.readList(`/projects/${name}/repositories`, { sort: 'name' }, repositorySchema, signal)),
    );
  const artifacts = await pMap(repositories, ({ name }) => readRepository(api, name, signal), { concurrency });
  return artifacts.flat();
}

/** The images that Harbor has after all, of those that no list has. A list that changed while it was read may have gaps. */
export async function readAgain(
  api: HarborApi,
  images: readonly Image[],
  signal: AbortSignal,
): Promise<readonly Artifact[]> {
  const found = await pMap(images, (image) => readImage(api, image, signal), { concurrency });
  return found.filter((artifact) => artifact !== undefined);
}

async function readRepository(api: HarborApi, repository: string, signal: AbortSignal): Promise<readonly Artifact[]> {
  const path = `${pathOf(repository)}/artifacts`;
  const artifacts = await api.readList(path, { ...overviews, ...allArtifacts }, artifactSchema, signal);
  return artifacts.map((artifact) => ({ ...artifact, repository }));
}

async function readImage(
  api: HarborApi,
  { repository, digest }: Image,
  signal: AbortSignal,
): Promise<Artifact | undefined> {
  try {
    const path = `${pathOf(repository)}/artifacts/${digest}`;
    return { ...(await api.readOne(path, overviews, artifactSchema, signal)), repository };
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** The path of a repository by its full name. */
export function pathOf(repository: string): string {
  return repositoryPath(projectOf(repository), pathInProject(repository));
}
