/**
 * False for a name that is not one of the page: a web site of somebody else can point its name at this address (DNS rebinding),
 * and would read the page in the browser of a user. It can't do so with an address.
 */
export function isExpectedHost(host: string | undefined, hosts: readonly string[]): boolean {
  const [, address, name = ''] = /^(?:(\[[\da-f:.]+\]|\d+(?:\.\d+){3})|([^:]+))(?::\d+)?$/i.exec(host ?? '') ?? [];
  return address !== undefined || [...hosts, 'localhost'].includes(name.toLowerCase());
}
