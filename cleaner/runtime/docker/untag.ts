import type * as z from 'zod';
import { normaliseNames } from '../../../contract/images/reference.ts';
import { containersAnswer, imageNamesAnswer } from './answers.ts';
import { attempt, type Connection } from './call.ts';
import type { DockerProblem } from './error.ts';

/** The message with which Docker Engine refuses an ID with several names (`daemon/images/image_delete.go` of moby). */
const severalNames = /image is referenced in multiple repositories$/;

export function hasSeveralNames(problem: DockerProblem): boolean {
  return problem.kind === 'Refused' && problem.status === 409 && severalNames.test(problem.message);
}

/**
 * Removes one name from an image with several names, so that its ID can be removed in the end. Returns false and changes
 * nothing if a name is not in `allowed`, if a container uses the image, or if an answer is missing. It looks up the name
 * right before, so a name that moved to another image is kept.
 */
export async function untagOne(
  connection: Connection,
  id: string,
  allowed: readonly string[],
  giveUp: AbortSignal,
): Promise<boolean> {
  const { docker } = connection;
  const read = <T extends z.ZodType>(request: () => Promise<unknown>, schema: T) =>
    readAnswered(connection, request, schema, giveUp);
  const image = await read(() => docker.getImage(id).inspect(), imageNamesAnswer);
  const [name, ...others] = image?.id === id ? image.names : [];
  if (image === undefined || name === undefined || others.length === 0) return false;
  if (!normaliseNames(image.names).every((known) => allowed.includes(known))) return false;
  const containers = await read(() => docker.listContainers({ all: true }), containersAnswer);
  if (containers === undefined || containers.some(({ imageId }) => imageId === id)) return false;
  const called = await read(() => docker.getImage(name).inspect(), imageNamesAnswer);
  if (called?.id !== id) return false;
  const ended = await attempt(connection, () => docker.getImage(name).remove({ force: false, noprune: true }), giveUp);
  return !('problem' in ended);
}

async function readAnswered<T extends z.ZodType>(
  connection: Connection,
  request: () => Promise<unknown>,
  schema: T,
  giveUp: AbortSignal,
): Promise<z.output<T> | undefined> {
  const ended = await attempt(connection, request, giveUp);
  return 'problem' in ended ? undefined : schema.safeParse(ended.answer).data;
}
