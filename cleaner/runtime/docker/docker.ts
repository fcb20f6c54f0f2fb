import Docker from 'dockerode';
import pMap from 'p-map';
import type * as z from 'zod';
import { defaultReadSeconds, firstDeadline } from '../growing-deadline.ts';
import type { ContainerDetails, ImageDetails, Runtime } from '../runtime.ts';
import {
  containerAnswer,
  containersAnswer,
  diskUsageAnswer,
  imageAnswer,
  imagesAnswer,
  infoAnswer,
  sharedSizesAnswer,
} from './answers.ts';
import { ask, type Connection, createLister } from './call.ts';
import { DockerError } from './error.ts';
import { createRemover } from './remove.ts';

export type DockerOptions = {
  /** Path of the socket of Docker Engine. */
  readonly socket: string;
  /** Maximum time of each call that reads; 30 s. */
  readonly readSeconds?: number;
  /** Maximum time of each list, which is read again with more time if it takes long; four times `readSeconds`, which a lower value replaces. */
  readonly maxReadSeconds?: number | undefined;
  /** Maximum time of each removal; 600 s. */
  readonly removeSeconds?: number;
  /** The time without an answer after which the next removals no longer wait for one that hangs; 10 s. */
  readonly patienceSeconds?: number;
};

/** Maximum number of concurrent calls, because each is about one object. */
const concurrency = 8;
/** Maximum number of images for which Docker Engine hangs, because each takes the whole deadline. The others stay unknown. */
const maxSlow = 2;

/** The runtime of a node as Docker Engine's own API shows it. */
export function createDocker({
  socket,
  readSeconds = defaultReadSeconds,
  maxReadSeconds = 4 * readSeconds,
  removeSeconds = 600,
  patienceSeconds,
}: DockerOptions): Runtime {
  const firstSeconds = firstDeadline(readSeconds, maxReadSeconds);
  const reading = { ...connect(socket, maxReadSeconds), seconds: firstSeconds };
  const { docker } = reading;
  const list = createLister(reading, maxReadSeconds);
  const askInfo = () => list('GET /info', () => docker.info(), infoAnswer);
  return {
    // The list omits nameless layers between an image and its base. They are removed with the last image built on them.
    listImages: () => list('GET /images/json', () => docker.listImages(), imagesAnswer),
    listContainers: () =>
      list('GET /containers/json?all=1', () => docker.listContainers({ all: true }), containersAnswer),
    inspectContainers: async (ids) => {
      const details = await pMap(ids, (id) => inspectContainer(reading, id), { concurrency });
      return details.filter((container) => container !== undefined);
    },
    // Sandboxes are containers here. Their number comes from another call than the list.
    countReadySandboxes: async () => (await askInfo()).containers,
    getSandboxImages: async () => [],
    inspectImages: (ids) => inspectImages(reading, ids),
    getImageFilesystems: async () => [(await askInfo()).imageFilesystem],
    removeImages: createRemover(connect(socket, removeSeconds), patienceSeconds),
  };
}

/**
 * Sets host and protocol, because dockerode would take them from DOCKER_HOST. Closes connections soon after their deadline,
 * because they would keep the process alive.
 */
function connect(socket: string, seconds: number): Connection {
  const timeout = (seconds + 1) * 1_000;
  return { docker: new Docker({ socketPath: socket, host: undefined, protocol: 'http', timeout }), socket, seconds };
}

/** A question about one object. */
type Question<T> = {
  readonly kind: 'containers' | 'images';
  readonly inspect: (docker: Docker, id: string) => Promise<unknown>;
  readonly schema: z.ZodType<T>;
};

const containerQuestion: Question<z.output<typeof containerAnswer>> = {
  kind: 'containers',
  inspect: (docker, id) => docker.getContainer(id).inspect(),
  schema: containerAnswer,
};
const imageQuestion: Question<z.output<typeof imageAnswer>> = {
  kind: 'images',
  inspect: (docker, id) => docker.getImage(id).inspect(),
  schema: imageAnswer,
};

/** Fails if the answer is about another object. */
async function askAbout<T extends { readonly id: string }>(
  connection: Connection,
  { kind, inspect, schema }: Question<T>,
  id: string,
): Promise<T> {
  const call = `GET /${kind}/${id}/json`;
  const answer = await ask(connection, call, () => inspect(connection.docker, id), schema);
  if (answer.id === id) return answer;
  throw new DockerError(connection.socket, call, { kind: 'Unreadable', detail: `it is about ${answer.id}` });
}

/** Undefined if the container is gone, because containers come and go all the time. */
async function inspectContainer(connection: Connection, id: string): Promise<ContainerDetails | undefined> {
  try {
    return await askAbout(connection, containerQuestion, id);
  } catch (error) {
    const { problem } = error instanceof DockerError ? error : {};
    if (problem?.kind === 'Refused' && problem.status === 404) return undefined;
    throw error;
  }
}

async function inspectImages(connection: Connection, ids: readonly string[]): Promise<readonly ImageDetails[]> {
  if (ids.length === 0) return [];
  const [details, shared] = await Promise.all([inspectEach(connection, ids), readSharedSizes(connection)]);
  return details.map((image) => {
    const sharedBytes = shared.get(image.id);
    return sharedBytes === undefined ? image : { ...image, sharedBytes };
  });
}

/**
 * Omits images that are gone or can't be inspected: a single image must not affect the others. Fails if no answer can be
 * understood.
 */
async function inspectEach(connection: Connection, ids: readonly string[]): Promise<readonly ImageDetails[]> {
  const problems: DockerError[] = [];
  const isHanging = () => problems.filter(({ problem }) => problem.kind === 'TimedOut').length >= maxSlow;
  const inspect = async (id: string) => {
    if (isHanging()) return undefined;
    try {
      return await askAbout(connection, imageQuestion, id);
    } catch (error) {
      if (!isAboutOneImage(error)) throw error;
      problems.push(error);
      return undefined;
    }
  };
  const details = (await pMap(ids, inspect, { concurrency })).filter((image) => image !== undefined);
  const unreadable = problems.find(({ problem }) => problem.kind === 'Unreadable');
  if (details.length === 0 && unreadable !== undefined) throw unreadable;
  return details;
}

function isAboutOneImage(error: unknown): error is DockerError {
  return error instanceof DockerError && ['Refused', 'TimedOut', 'Unreadable'].includes(error.problem.kind);
}

/**
 * This call is cheap since API 1.42. Before, Docker Engine reads everything on the disk, so a slow answer is not waited for.
 */
async function readSharedSizes(connection: Connection): Promise<ReadonlyMap<string, number>> {
  const { docker } = connection;
  const query = { all: false, 'shared-size': true };
  const call = 'GET /images/json?shared-size=1';
  const listed = await ask(connection, call, () => docker.listImages(query), sharedSizesAnswer);
  if (listed.size > 0) return listed;
  try {
    return await ask(connection, 'GET /system/df', () => docker.df(), diskUsageAnswer);
  } catch (error) {
    if (error instanceof DockerError && error.problem.kind === 'TimedOut') return new Map();
    throw error;
  }
}
