import { isExplicitHost, parseReference } from '../../../contract/images/reference.ts';

/** The host of a registry in the names of images; undefined if a text is none. */
export function readRegistryHost(text: string): string | undefined {
  const host = text
    .trim()
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .toLowerCase();
  const isHost = isExplicitHost(host) && parseReference(`${host}/image:tag`)?.repository === `${host}/image`;
  return isHost ? host : undefined;
}
