import type { Duplex } from 'node:stream';

/** The scheduler whose page is shown. */
export interface PagePod {
  readonly pod: string;
  /** The port of its page; undefined if it has none. */
  readonly port: number | undefined;
  readonly isReady: boolean;
}

/** The port to the schedulers of a cluster, for their pages. Every call may reject. */
export interface PagePort {
  listSchedulers(): Promise<readonly PagePod[]>;
  /** Connects a socket with the page of a scheduler until one side ends. */
  forward(pod: string, port: number, socket: Duplex): Promise<void>;
  close(): Promise<void>;
}
