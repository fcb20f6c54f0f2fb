import type { Dispatcher } from 'undici';
import { retryAfterMsOf } from '../../contract/http/retry-after.ts';
import { readLimited } from '../../contract/read-limited.ts';
import { showAddress } from './address.ts';
import { DownloadError, interruptionError } from './download-error.ts';
import type { HeaderFiles } from './headers.ts';

/** A complete answer. */
export interface Downloaded {
  readonly bytes: Buffer;
  /** False if the end of the connection was the end of the answer, so that nobody knows if it is complete. */
  readonly isDelimited: boolean;
}

/** The limits of an answer, and the files that a refusal names. */
export interface AnswerOptions extends HeaderFiles {
  readonly maxBytes: number;
  readonly readClock: () => Date;
}

const temporaryCodes = [408, 425, 429, 500, 502, 503, 504];

/** Reads an answer that is no redirect. Rejects with a {@link DownloadError} if it is not the content, or not all of it. */
export async function readAnswer(
  url: URL,
  answer: Dispatcher.ResponseData,
  options: AnswerOptions,
): Promise<Downloaded> {
  const problem = findProblem(url, answer, options);
  if (problem !== undefined) {
    await discard(answer);
    throw problem;
  }
  const bytes = await readBody(url, answer.body, options.maxBytes);
  return {
    bytes,
    isDelimited: ['content-length', 'transfer-encoding'].some((name) => headerOf(answer, name) !== undefined),
  };
}

/** The reason to refuse an answer by its headers. */
function findProblem(url: URL, answer: Dispatcher.ResponseData, options: AnswerOptions): DownloadError | undefined {
  if (answer.statusCode !== 200) return refusalOf(url, answer, options);
  const encoding = headerOf(answer, 'content-encoding') ?? 'identity';
  if (encoding !== 'identity')
    return new DownloadError(
      `${showAddress(url)} answers with the encoding ${encoding}, which was not asked for: let the server send the content as it is`,
    );
  const { maxBytes } = options;
  return Number(headerOf(answer, 'content-length') ?? 0) > maxBytes ? tooLarge(url, maxBytes) : undefined;
}

function refusalOf(url: URL, { statusCode, headers }: Dispatcher.ResponseData, options: AnswerOptions): DownloadError {
  return new DownloadError(`${showAddress(url)} answers with ${statusCode}${adviceFor(statusCode, options)}`, {
    isTemporary: temporaryCodes.includes(statusCode),
    retryAfterMs: retryAfterMsOf(headers['retry-after'], options.readClock()),
  });
}

function adviceFor(status: number, { headerFile, tokenFile }: HeaderFiles): string {
  if (temporaryCodes.includes(status)) return '';
  if (status !== 401 && status !== 403) return ': check the address';
  const files = [tokenFile, headerFile].filter((file) => file !== undefined);
  return files.length === 0
    ? ': give credentials with --token-file or --header-file'
    : `: check ${files.join(' and ')}`;
}

/** Reads a short answer to its end, so that nothing stays open; closes the connection of a longer one. */
export async function discard({ body }: Dispatcher.ResponseData): Promise<void> {
  await body.dump({ limit: 16_384 }).catch(() => {});
}

async function readBody(url: URL, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const bytes = await readLimited(body, maxBytes).catch((cause: unknown) => {
    throw interruptionError(url, cause);
  });
  if (bytes === undefined) throw tooLarge(url, maxBytes);
  return bytes;
}

function tooLarge(url: URL, maxBytes: number): DownloadError {
  return new DownloadError(`${showAddress(url)} has more than ${maxBytes} bytes: allow more with --max-size`);
}

/** A header; the first one if there are several of the name. */
export function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
