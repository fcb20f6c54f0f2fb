import { infoAnswer, type Sandbox, type SandboxStatus, sandboxesAnswer, sandboxStatusesAnswer } from './answers.ts';
import { ask, type Caller } from './ask.ts';
import { askAbout } from './ask-about.ts';
import { CrictlError } from './error.ts';

const question = { args: ['inspectp', '-o', 'json'], schema: sandboxStatusesAnswer };

/**
 * Makes a reader of the images that pod sandboxes stand on: those that the sandboxes name, in any state, and the one
 * that the runtime is configured with, where it tells. Neither changes, so each sandbox is asked about once, and the
 * configuration is too. Fails where a sandbox doesn't tell: any image could be the one that it stands on.
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
  const detail = `it does not tell the image of the sandbox ${id}, which could be any image here`;
  throw new CrictlError(call.executable, question.args, { kind: 'Unreadable', detail });
}
