import { infoAnswer, type Sandbox, type SandboxStatus, sandboxesAnswer, sandboxStatusesAnswer } from './answers.ts';
import { ask, type Caller } from './ask.ts';
import { askAbout } from './ask-about.ts';
import { CrictlError } from './error.ts';

const question = { args: ['inspectp', '-o', 'json'], schema: sandboxStatusesAnswer };

/**
 * Creates a reader of the images of pod sandboxes: the images of sandboxes in any state, and the configured image of the
 * runtime if it is known. They never change, so each sandbox and the configuration are read once. Fails if the image of a
 * sandbox is unknown, because it could be any image.
 */
export function createSandboxReader(caller: Caller): () => Promise<readonly string[]> {
  const known = new Map<string, SandboxStatus>();
  let configuration: { readonly image: string | undefined } | undefined;
  const readConfiguration = async () => {
    configuration ??= { image: await ask(caller, ['info', '-o', 'json'], infoAnswer) };
    return configuration.image;
  };
  return async () => {
    const [listed, configured] = await Promise.all([listSandboxes(caller), readConfiguration()]);
    const unknown = listed.map(({ id }) => id).filter((id) => !known.has(id));
    for (const status of await askAbout(caller, question, unknown)) known.set(status.id, status);
    const isComplete = listed.every(({ id }) => known.has(id));
    const current = isComplete ? listed : await listSandboxes(caller);
    const told = current.flatMap(({ id }) => imageOf(caller, id, known.get(id)));
    return [...new Set([...(configured === undefined ? [] : [configured]), ...told])];
  };
}

export function listSandboxes(caller: Caller): Promise<readonly Sandbox[]> {
  return ask(caller, ['pods', '-o', 'json'], sandboxesAnswer);
}

function imageOf({ call }: Caller, id: string, status: SandboxStatus | undefined): readonly string[] {
  if (status?.image === null) return [];
  if (status?.image !== undefined) return [status.image];
  const detail = `it lacks the image of the sandbox ${id}, which could be any image on this node`;
  throw new CrictlError(call.executable, question.args, { kind: 'Unreadable', detail });
}
