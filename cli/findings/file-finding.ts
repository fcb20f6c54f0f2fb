import type { Finding } from '../../scheduler/policy/files/findings.ts';

/** A problem or a warning of a policy, and the file that has it. */
export interface FileFinding extends Finding {
  /** The path as a person wrote it. */
  readonly file: string;
}
