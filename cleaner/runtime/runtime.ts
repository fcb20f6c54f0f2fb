/** An image in the list of the runtime. */
export type Image = {
  /** `sha256:` and 64 hexadecimal digits; CRI-O omits the prefix. */
  readonly id: string;
  /** Tags and digests as full references, without placeholders; empty after a moved tag or an interrupted removal. */
  readonly names: readonly string[];
  /** The size that the runtime reports. Layers that images share count for each of them. */
  readonly sizeBytes: number;
  readonly pinned: boolean;
  /** The part of its entry in the list that can't be understood. */
  readonly flaw?: ImageFlaw;
};

/**
 * `SizeUnknown`: the size is impossible, and counts as 0. `Unreadable`: the ID, a name or a pin can't be understood, so the
 * image must not be removed, and the other fields are incomplete.
 */
export type ImageFlaw = { readonly kind: 'SizeUnknown' | 'Unreadable'; readonly detail: string };

/** A container in any state, including init containers and exited ones. */
export type Container = {
  readonly id: string;
  /** Namespace, pod and container, for messages; the ID if the runtime does not know them. */
  readonly name: string;
  readonly podUid?: string;
  /** The ID of its image, if the runtime reports it separately. It takes precedence over references. */
  readonly imageId?: string;
  /** All other IDs, digests and references of its image, as the runtime writes them. */
  readonly references: readonly string[];
};

/** Details that the list of containers does not have. */
export type ContainerDetails = {
  readonly id: string;
  /** References to images that are mounted as volumes. */
  readonly mountedImages: readonly string[];
  /** When it exited, in milliseconds since the epoch; absent if it runs, or if the time is unknown. */
  readonly finishedAt?: number;
};

/** Details that the list of images does not have. */
export type ImageDetails = {
  readonly id: string;
  /** When it was built, in milliseconds since the epoch; absent if unknown. */
  readonly builtAt?: number;
  /** Digests of its layers' uncompressed content (`diff_ids` of the OCI image), lowest first; absent if unknown. */
  readonly layers?: readonly string[];
  /** The bytes that it shares with other images, if the runtime reports them (Docker Engine). */
  readonly sharedBytes?: number;
};

/** The signals that end a request to remove images. */
export type RemovalEnds = {
  /** When aborted, no further removal is requested. */
  readonly stop: AbortSignal;
  /** When aborted, the request ends without its answers. */
  readonly giveUp: AbortSignal;
};

/** The answer of the runtime to a request to remove images. It does not prove which images are gone; a new list does. */
export type RemovalAnswer = {
  /** The request ended before the runtime answered. The runtime may still be removing. */
  readonly timedOut: boolean;
  /** Errors of single images, by ID, or one without an ID for all of them. Empty if the runtime accepted all. */
  readonly complaints: readonly RemovalComplaint[];
  /** IDs of images whose removal was not requested, because the runtime hung or the run was stopped. */
  readonly notAsked?: readonly string[];
};

/** All names, by ID, of the images that may lose every name. Other images keep theirs. */
export type UntagPermits = ReadonlyMap<string, readonly string[]>;

export type RemovalComplaint = { readonly imageId?: string; readonly message: string };

/** The container runtime of a node. No method returns a partial answer: it fails with an error that says what to do. */
export interface Runtime {
  /** Includes images whose entry can't be understood, because containers may refer to them. */
  listImages(): Promise<readonly Image[]>;
  /** Containers in every state. */
  listContainers(): Promise<readonly Container[]>;
  /** Omits containers that are gone. */
  inspectContainers(ids: readonly string[]): Promise<readonly ContainerDetails[]>;
  /** The number of ready pod sandboxes, which usually have containers. */
  countReadySandboxes(): Promise<number>;
  /**
   * References and IDs of the images of pod sandboxes, and of the image for new sandboxes if the runtime reports it; empty
   * if sandboxes are in the list of containers. Fails if the image of a sandbox is unknown.
   */
  getSandboxImages(): Promise<readonly string[]>;
  /**
   * Omits images that are gone or can't be inspected, such as one with a damaged record: a single image must not prevent a
   * decision about all others.
   */
  inspectImages(ids: readonly string[]): Promise<readonly ImageDetails[]>;
  /** The mount points of the filesystems with images on the node. */
  getImageFilesystems(): Promise<readonly string[]>;
  /**
   * Requests the removal of images by ID. Never throws, because a failed request may have removed some. A runtime that
   * refuses an ID with several names (Docker Engine) may first remove the names of images in `mayUntag`.
   */
  removeImages(ids: readonly string[], mayUntag?: UntagPermits, ends?: RemovalEnds): Promise<RemovalAnswer>;
}
