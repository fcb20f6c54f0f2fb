import { readFile } from 'node:fs/promises';
import { hasCode, messageOf } from '../../contract/errors.ts';

/** A file with a part of the credentials can't be used. The message never has its content. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

/** The files of a mounted Secret. */
export interface CredentialFiles {
  readonly usernameFile: string;
  readonly passwordFile: string;
}

/**
 * Reads the header for basic authentication from files. They are read again when they may have changed, because a Secret can
 * change at any time. Throws a {@link CredentialsError} with the next step.
 */
export async function readAuthorization({ usernameFile, passwordFile }: CredentialFiles): Promise<string> {
  const username = await readPart(usernameFile);
  const password = await readPart(passwordFile);
  if (username.includes(':'))
    throw new CredentialsError(
      `${usernameFile} has a user name with a colon, which is not possible: correct the Secret`,
    );
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Editors and `echo` add a line end, which is no part of a name or a password. */
async function readPart(path: string): Promise<string> {
  const text = (await readText(path)).replace(/\r?\n$/, '');
  if (text === '') throw new CredentialsError(`${path} is empty: put the value into the Secret`);
  if (/[\r\n]/.test(text)) throw new CredentialsError(`${path} has several lines: it must have the value alone`);
  return text;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new CredentialsError(`${path} is missing: create the Secret, or name its file`);
    throw new CredentialsError(`${path} can't be read: ${messageOf(error)}; check the Secret that is mounted there`);
  }
}
