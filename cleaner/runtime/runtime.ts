/** An image as the runtime lists it. */
export type Image = {
  /** `sha256:` and 64 hexadecimal digits, or without the prefix where the runtime (CRI-O) lists it so. */
  readonly id: string;
  /** Tags and digests as full references, without placeholders; none where a moved tag or a cut-off removal left it. */
  readonly names: readonly string[];
  /** The runtime's own figure; layers that images share count for each. */
  readonly sizeBytes: number;
  readonly pinned: boolean;
};

/** A container in any state, init and exited ones included. */
export type Container = {
  readonly id: string;
  /** Namespace, pod and container for messages; the ID where the runtime doesn't know them. */
  readonly name: string;
  readonly podUid?: string;
  /** The ID of its image, where the runtime tells it apart from the reference. It is authoritative. */
  readonly imageId?: string;
  /** Everything else it says about its image: IDs, digests and references, as the runtime writes them. */
  readonly references: readonly string[];
};

/** The facts that the list of containers leaves out. */
export type ContainerDetails = {
  readonly id: string;
  /** References to images that are mounted as volumes. */
  readonly mountedImages: readonly string[];
  /** When it exited, in milliseconds since the epoch; absent while it runs, and where the runtime doesn't know. */
  readonly finishedAt?: number;
};

/** The facts that only a look at a single image tells. */
export type ImageDetails = {
  readonly id: string;
  /** When it was built, in milliseconds since the epoch; absent where it doesn't tell. */
  readonly builtAt?: number;
  /** Digests of its layers' uncompressed content (`diff_ids` of the OCI image), lowest first; absent where unknown. */
  readonly layers?: readonly string[];
  /** The number of its bytes that other images hold too, where the runtime tells (Docker Engine). */
  readonly sharedBytes?: number;
};

/** The ends of a request to remove images. */
export type RemovalEnds = {
  /** From now on no further image is asked for. */
  readonly stop: AbortSignal;
  /** From now on nothing is waited for. */
  readonly giveUp: AbortSignal;
};

/** The answer of the runtime to a request to remove images. It is no proof of what is gone: look again. */
export type RemovalAnswer = {
  /** The request ended before the runtime answered, which may go on removing. */
  readonly timedOut: boolean;
  /** The complaints about single images, by ID, or else for all in the one without. Empty where it accepted all. */
  readonly complaints: readonly RemovalComplaint[];
  /** IDs of images that the runtime was never asked to remove, as it gave no answers or the run was to stop. */
  readonly notAsked?: readonly string[];
};

/** All names of images that may lose every one of them, by ID: those of others must stay with the image. */
export type UntagPermits = ReadonlyMap<string, readonly string[]>;

export type RemovalComplaint = { readonly imageId?: string; readonly message: string };

/** A node's container runtime. Every method fails with an error that says what to do, rather than to answer in part. */
export interface Runtime {
  listImages(): Promise<readonly Image[]>;
  /** Containers of every state. */
  listContainers(): Promise<readonly Container[]>;
  /** Leaves out those that are gone. */
  inspectContainers(ids: readonly string[]): Promise<readonly ContainerDetails[]>;
  /** The number of pod sandboxes that are ready: each is likely to have a container. */
  countReadySandboxes(): Promise<number>;
  /**
   * References and IDs of the images that pod sandboxes stand on, and of the one that new sandboxes will, where the runtime
   * tells it; none where sandboxes are containers in the list. Fails where a sandbox doesn't tell its image.
   */
  getSandboxImages(): Promise<readonly string[]>;
  /**
   * Leaves out those that are gone or can't be inspected, such as one with a damaged record: no single image must stand in
   * the way of a decision about all others.
   */
  inspectImages(ids: readonly string[]): Promise<readonly ImageDetails[]>;
  /** The mount points of the filesystems with the images on the node; several where the runtime keeps images on several. */
  getImageFilesystems(): Promise<readonly string[]>;
  /**
   * Asks to remove images, by ID, and never throws: a request that fails may have removed some. A runtime that refuses an
   * ID with several names (Docker Engine) may take off the names first of those that `mayUntag` has.
   */
  removeImages(ids: readonly string[], mayUntag?: UntagPermits, ends?: RemovalEnds): Promise<RemovalAnswer>;
}
