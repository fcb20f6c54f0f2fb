import { createServer, type ServerResponse } from 'node:http';
import { type DockerAnswers, type RecordedImage, readDockerAnswers } from './docker-answers.ts';

/** The way in which a Docker Engine may fail to answer. */
export type Failure = keyof typeof failures;

/** A Docker Engine that gives recorded answers on a socket of its own, and removes images from what it lists. */
export type DockerServer = {
  readonly socket: string;
  /** All requests so far, such as `GET /images/json`. */
  readonly requests: readonly string[];
  /** For tests to change. */
  readonly answers: DockerAnswers;
  /** From now on requests that begin like this fail. */
  fail(request: string, how: Failure): void;
  close(): Promise<void>;
};

type Answer = { readonly status: number; readonly body: unknown };

const failures = {
  rubbish: (response: ServerResponse) => response.end('<html>gateway</html>'),
  half: (response: ServerResponse) => response.end('[{"Id":"sha256:'),
  empty: (response: ServerResponse) => response.end(''),
  null: (response: ServerResponse) => response.end('null'),
  keyless: (response: ServerResponse) => response.end('[{}]'),
  fails: (response: ServerResponse) => send(response, { status: 500, body: { message: 'something broke' } }),
  'closes the connection': (response: ServerResponse) => response.destroy(),
  'breaks off': (response: ServerResponse) =>
    response.writeHead(200, { 'Content-Length': 1_000 }).write('[{"Id":"sha256:', () => response.destroy()),
  hangs: () => undefined,
  'is about another': (response: ServerResponse) =>
    send(response, { status: 200, body: { Id: 'another', State: { Running: true }, Mounts: [] } }),
};

export async function startDockerServer(
  socket: string,
  answers: DockerAnswers = readDockerAnswers('docker-20.10'),
): Promise<DockerServer> {
  const requests: string[] = [];
  const broken = new Map<string, Failure>();
  const server = createServer(({ method, url = '' }, response) => {
    const request = `${method} ${url}`;
    requests.push(request);
    const failure = [...broken].find(([start]) => request.startsWith(start))?.[1];
    if (failure !== undefined) failures[failure](response);
    else send(response, method === 'DELETE' ? remove(url, answers) : answer(url, answers));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    requests,
    answers,
    fail: (request, how) => broken.set(request, how),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(url: string, answers: DockerAnswers): Answer {
  const [path = '', query = ''] = url.split('?');
  const lists = new Map<string, unknown>([
    ['/images/json', query.includes('shared-size=true') ? answers.imagesShared : answers.images],
    // Without `all` it lists those that run.
    ['/containers/json', query.includes('all=true') ? answers.containers : []],
    ['/system/df', answers.systemDf],
    ['/info', answers.info],
  ]);
  if (lists.has(path)) return { status: 200, body: lists.get(path) };
  const [, kind, id = ''] = /^\/(\w+)\/(.*)\/json$/.exec(path) ?? [];
  const body = kind === 'images' ? inspectImage(id, answers) : answers.containersInspected.find(({ Id }) => Id === id);
  return body === undefined ? { status: 404, body: { message: `no such object: ${id}` } } : { status: 200, body };
}

/** By its ID or a name, with the names that it has now. */
function inspectImage(called: string, { images, imagesInspected }: DockerAnswers) {
  const listed = images.find(({ Id, RepoTags }) => Id === called || RepoTags?.includes(called));
  const inspected = imagesInspected.find(({ Id }) => Id === (listed?.Id ?? called));
  return inspected && { ...inspected, ...(listed?.RepoTags && { RepoTags: listed.RepoTags }) };
}

/** As it was recorded for that image, and several names refuse it; others go, and what is gone is unknown. */
function remove(url: string, answers: DockerAnswers): Answer {
  const [id = ''] = url.replace('/images/', '').split('?');
  const named = answers.images.find(({ RepoTags }) => RepoTags?.includes(id));
  if (named !== undefined) return untag(named, id, answers);
  if (!answers.images.some(({ Id }) => Id === id)) return { status: 404, body: { message: `No such image: ${id}` } };
  const refusal = answers.removals.find(({ request, status }) => request === `DELETE /images/${id}` && status === 409);
  if (refusal !== undefined && (refusal.title !== 'two tags' || hasSeveralTags(id, answers))) return refusal;
  answers.images = answers.images.filter(({ Id }) => Id !== id);
  return { status: 200, body: [{ Deleted: id }] };
}

/** The last name of an image takes the image with it. */
function untag(image: RecordedImage, name: string, answers: DockerAnswers): Answer {
  const RepoTags = image.RepoTags?.filter((tag) => tag !== name) ?? [];
  const left = RepoTags.length === 0 ? [] : [{ ...image, RepoTags }];
  answers.images = answers.images.flatMap((one) => (one === image ? left : [one]));
  return { status: 200, body: [{ Untagged: name }] };
}

function hasSeveralTags(id: string, { images }: DockerAnswers): boolean {
  return (images.find(({ Id }) => Id === id)?.RepoTags?.length ?? 0) > 1;
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
