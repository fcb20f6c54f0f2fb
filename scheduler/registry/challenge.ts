/** A demand of a registry for authentication (`WWW-Authenticate`). */
export type Challenge =
  | { readonly scheme: 'Basic' }
  /** A token of another server, the realm (https://distribution.github.io/distribution/spec/auth/token/). */
  | { readonly scheme: 'Bearer'; readonly realm: string; readonly service?: string; readonly scope?: string };

const parameter = /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;
const schemeAt = /(?:^|,)\s*(basic|bearer)(?=\s|,|$)/gi;

/** Reads the demands of a header; a token is preferred, as in containerd. Undefined if there is none that is known. */
export function readChallenge(header: string | readonly string[] | undefined): Challenge | undefined {
  const text = typeof header === 'string' ? header : (header ?? []).join(', ');
  const starts = [...text.matchAll(schemeAt)];
  const challenges = starts.map((start, index) => {
    const from = start.index + start[0].length;
    return read(start[1] ?? '', text.slice(from, starts[index + 1]?.index ?? text.length));
  });
  return challenges.find((challenge) => challenge?.scheme === 'Bearer') ?? challenges.find(Boolean);
}

function read(scheme: string, text: string): Challenge | undefined {
  if (scheme.toLowerCase() === 'basic') return { scheme: 'Basic' };
  const values = new Map(
    [...text.matchAll(parameter)].map(([, key = '', quoted, plain]) => [
      key.toLowerCase(),
      quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '',
    ]),
  );
  const realm = values.get('realm');
  if (realm === undefined) return undefined;
  const [service, scope] = [values.get('service'), values.get('scope')];
  return { scheme: 'Bearer', realm, ...(service !== undefined && { service }), ...(scope !== undefined && { scope }) };
}
