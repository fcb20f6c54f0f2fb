import { execa } from 'execa';
import * as z from 'zod';
import { lastLine } from '../../contract/crictl-log.ts';
import { repositoryOf } from '../../contract/images/reference.ts';

/** The images of a runtime, as a kubelet asks for them. Each call may reject with an {@link ImageServiceError}. */
export interface ImageService {
  /** Returns the image as in `containerStatuses[].imageID`; undefined if the runtime does not have it. */
  find(reference: string): Promise<string | undefined>;
  /** Pulls the image. Rejects with the reason of the signal if it is aborted. */
  pull(reference: string, signal: AbortSignal): Promise<void>;
}

/** The runtime could not answer, or could not pull. The message has its words. */
export class ImageServiceError extends Error {
  override readonly name = 'ImageServiceError';
}

/** The process that calls a runtime. */
export interface CrictlCommand {
  /** Path or name of crictl. */
  readonly executable: string;
  readonly socket: string;
  readonly environment: NodeJS.ProcessEnv;
}

const readSeconds = 30;
const graceMs = 5_000;

const statusSchema = z.object({
  status: z.object({ id: z.string(), repoDigests: z.array(z.string()).default([]) }),
});

/** The images of a runtime that crictl calls. A pull uses the credentials and mirrors of the runtime's configuration. */
export function crictlImages({ executable, socket, environment }: CrictlCommand): ImageService {
  const endpoint = `unix://${socket}`;
  const call = (args: readonly string[], limits: { readonly timeout?: number; readonly cancelSignal?: AbortSignal }) =>
    execa(executable, ['-t', `${readSeconds}s`, '-r', endpoint, '-i', endpoint, ...args], {
      env: environment,
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      forceKillAfterDelay: graceMs,
      ...limits,
    });

  return {
    find: async (reference) => {
      const { failed, stdout, stderr, shortMessage } = await call(['inspecti', '-o', 'json', reference], {
        timeout: readSeconds * 1_000 + graceMs,
      });
      if (!failed) return imageIdIn(stdout, reference);
      if (/no such image/.test(stderr)) return undefined;
      throw new ImageServiceError(wordsOf(stderr, shortMessage));
    },
    // A pull has no time limit, as in a kubelet: whoever waits for it aborts it.
    pull: async (reference, signal) => {
      const { failed, stderr, shortMessage } = await call(['pull', reference], { cancelSignal: signal });
      signal.throwIfAborted();
      if (failed) throw new ImageServiceError(wordsOf(stderr, shortMessage));
    },
  };
}

/** A digest of the repository that was asked for, if the runtime knows one; else the ID of the image. */
function imageIdIn(stdout: string, reference: string): string {
  const { id, repoDigests } = readStatus(stdout);
  const repository = repositoryOf(reference);
  return repoDigests.find((digest) => repositoryOf(digest) === repository) ?? repoDigests[0] ?? id;
}

function readStatus(stdout: string) {
  try {
    return statusSchema.parse(JSON.parse(stdout)).status;
  } catch (cause) {
    throw new ImageServiceError('crictl inspecti has printed no image', { cause });
  }
}

/** The words of the runtime, as the kubelet would show them. */
function wordsOf(stderr: string, shortMessage: string | undefined): string {
  const words = stderr === '' ? (shortMessage ?? 'no message') : lastLine(stderr);
  return words.replace(/^pulling image: /, '');
}
