import * as z from 'zod';

export type DockerProblem =
  | { readonly kind: 'Unreachable'; readonly code: string }
  | { readonly kind: 'TimedOut'; readonly seconds: number }
  /** The run ended before there was an answer. */
  | { readonly kind: 'Interrupted' }
  | { readonly kind: 'Refused'; readonly status: number; readonly message: string }
  | { readonly kind: 'Unreadable'; readonly detail: string };

/** A call of Docker Engine without a reliable answer. The message names the call, and says what an operator can do. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  readonly problem: DockerProblem;

  constructor(socket: string, call: string, problem: DockerProblem, options?: ErrorOptions) {
    super(describeProblem(socket, call, problem), options);
    this.problem = problem;
  }
}

/** The error of dockerode, with the message of the daemon or of the connection. */
const refusal = z.object({ statusCode: z.int(), json: z.unknown() });
const words = z.object({ message: z.string() });
const broken = z.object({ code: z.string() });

/** Converts an error to a problem. */
export function readProblem(error: unknown): DockerProblem {
  const refused = refusal.safeParse(error).data;
  if (refused !== undefined) {
    const { statusCode: status, json } = refused;
    return { kind: 'Refused', status, message: words.safeParse(json).data?.message ?? 'without a message' };
  }
  return { kind: 'Unreachable', code: broken.safeParse(error).data?.code ?? String(error) };
}

function describeProblem(socket: string, call: string, problem: DockerProblem): string {
  switch (problem.kind) {
    case 'Unreachable':
      return describeUnreachable(socket, call, problem.code);
    case 'TimedOut':
      return `"${call}" of Docker Engine gave no whole answer within ${problem.seconds} s: check whether dockerd hangs`;
    case 'Interrupted':
      return `"${call}" of Docker Engine gave no answer within the time that a stop leaves: check whether dockerd hangs`;
    case 'Refused':
      return `"${call}" of Docker Engine ended with status ${problem.status}: ${problem.message}; check the log of dockerd`;
    case 'Unreadable':
      return `"${call}" of Docker Engine gave an answer that can't be relied on (${problem.detail}): check that ${socket} is the socket of Docker Engine 20.10 or newer`;
    default:
      return problem satisfies never;
  }
}

function describeUnreachable(socket: string, call: string, code: string): string {
  switch (code) {
    case 'ENOENT':
      return `Docker Engine's socket ${socket} does not exist: start Docker Engine, or set CONTAINER_RUNTIME_ENDPOINT to its socket`;
    case 'EACCES':
    case 'EPERM':
      return `Docker Engine's socket ${socket} may not be used (${code}): run as root, or as a member of the group that owns it`;
    case 'ECONNREFUSED':
      return `nothing listens on Docker Engine's socket ${socket}: start Docker Engine (systemctl start docker)`;
    default:
      return `"${call}" of Docker Engine failed (${code}): check that dockerd is up and that ${socket} is its socket`;
  }
}
