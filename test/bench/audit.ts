import { readFile } from 'node:fs/promises';

/** A call that the API server has written down. */
export interface AuditedCall {
  readonly verb: string;
  readonly userAgent: string;
  readonly stageTimestamp: string;
  readonly objectRef?: { readonly resource: string; readonly name?: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code: number };
}

const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** The calls of a client since an instant, by its user agent's beginning. */
export async function readCalls(auditLog: string, userAgent: string, since: Date): Promise<AuditedCall[]> {
  const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line !== '');
  return lines
    .map((line): AuditedCall & { stage: string } => JSON.parse(line))
    .filter((call) => call.stage === 'ResponseComplete' && call.userAgent.startsWith(userAgent))
    .filter((call) => new Date(call.stageTimestamp) >= since);
}

export function isWrite({ verb }: AuditedCall): boolean {
  return WRITES.includes(verb);
}

/** The number of calls of each kind that there were, like `create pods`. */
export function countKinds(calls: readonly AuditedCall[]): Record<string, number> {
  const kinds = Object.groupBy(calls, ({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? ''}`);
  return Object.fromEntries(Object.entries(kinds).map(([kind, all = []]) => [kind, all.length]));
}
