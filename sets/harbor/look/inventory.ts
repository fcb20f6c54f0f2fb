import type { Artifact } from './answers.ts';

/** The images of a repository: their digests, those of the images of its indexes too, and the digest of each tag. */
export interface RepositoryState {
  readonly digests: ReadonlySet<string>;
  readonly tags: ReadonlyMap<string, string>;
}

/** The repositories with images of each project, by their full names. */
export type Inventory = ReadonlyMap<string, ReadonlyMap<string, RepositoryState>>;

/** Puts the images of artifacts together, whatever their order. Each of the projects is in the result. */
export function buildInventory(projects: readonly string[], artifacts: readonly Artifact[]): Inventory {
  const inventory = new Map(projects.map((project) => [project, new Map<string, RepositoryState>()]));
  const repositories = Map.groupBy(
    artifacts.filter(({ isImage }) => isImage),
    ({ repository }) => repository,
  );
  for (const [repository, images] of repositories)
    inventory.get(projectOf(repository))?.set(repository, {
      digests: new Set(images.flatMap(({ digest, children }) => [digest, ...children])),
      tags: new Map(images.flatMap(({ digest, tags }) => tags.map((tag) => [tag, digest] as const))),
    });
  return inventory;
}

/** The project of a repository: the first part of its name. */
export function projectOf(repository: string): string {
  return repository.slice(0, repository.indexOf('/'));
}

/** The repository below its project, as paths of the API have it. */
export function pathInProject(repository: string): string {
  return repository.slice(repository.indexOf('/') + 1);
}

/** All digests of an inventory, in any repository. */
export function digestsOf(inventory: Inventory): ReadonlySet<string> {
  return new Set(statesOf(inventory).flatMap(({ digests }) => [...digests]));
}

/** The digests that a tag or an index of any repository names. */
export function namedDigests(artifacts: readonly Artifact[]): ReadonlySet<string> {
  return new Set(
    artifacts.flatMap(({ digest, tags, children }) => (tags.length > 0 ? [digest, ...children] : children)),
  );
}

function statesOf(inventory: Inventory): readonly RepositoryState[] {
  return [...inventory.values()].flatMap((repositories) => [...repositories.values()]);
}
