import type * as z from 'zod';
import { cutText } from '../../contract/text.ts';
import type { Answer } from '../http/http-client.ts';
import { ForbiddenError, HarborError, NotFoundError } from './errors.ts';
import { refusalSchema } from './look/answers.ts';

/** The error for an answer that is no success. */
export function refusalOf(answer: Answer, url: URL): HarborError {
  const { status } = answer;
  const refusal = readRefusal(answer.body);
  const words = `${shown(url)} answered ${status}${refusal?.message ? ` (${cutText(refusal.message, 200)})` : ''}`;
  if (status === 403)
    return new ForbiddenError(
      `${words}: give the account the rights to list and read what is in the project, or name other projects with --project`,
    );
  if (status === 404 && refusal?.code === 'NOT_FOUND') return new NotFoundError(words);
  return new HarborError(`${words}: check that the address is that of Harbor 2.0 or newer`);
}

function readRefusal(
  body: string,
): { readonly code: string; readonly message?: string | null | undefined } | undefined {
  try {
    return refusalSchema.parse(JSON.parse(body)).errors[0];
  } catch {
    return undefined;
  }
}

/** Reads the document of an answer. Throws a {@link HarborError} if it has another shape. */
export function parseAnswer<Item>({ body }: Answer, schema: z.ZodType<Item>, url: URL): Item {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch (cause) {
    throw new HarborError(`${shown(url)} did not answer in JSON: check that the address is that of Harbor`, { cause });
  }
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue === undefined ? '' : `${issue.path.join('.')}: ${issue.message}`;
  throw new HarborError(
    `${shown(url)} has an answer that can't be understood: ${cutText(place, 200)}; check that the address is that of Harbor 2.0 or newer`,
  );
}

/** The number of objects in a list, as each of its pages tells it. Throws a {@link HarborError} without one. */
export function totalOf(answer: Answer, url: URL): number {
  const text = headerOf(answer, 'x-total-count');
  if (text === undefined || !/^\d{1,9}$/.test(text))
    throw new HarborError(
      `${shown(url)} does not tell how many objects there are, so nobody knows if the list is complete: let proxies pass the header X-Total-Count on`,
    );
  return Number(text);
}

/** A header; all of them if there are several of the name. */
export function headerOf({ headers }: Answer, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** An address as messages show it. */
export function shown(url: URL): string {
  return `${url.host}${url.pathname}${url.search}`;
}
