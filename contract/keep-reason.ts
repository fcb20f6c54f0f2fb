/** The reasons to keep an image, the strongest first. An image with several reasons shows the first one. */
export type KeepReason =
  | 'InUse'
  | 'Pinned'
  | 'OwnImage'
  | 'Starting'
  | 'ReferencedByWorkload'
  | 'Prepulled'
  | 'SideLoaded'
  | 'NotIncluded'
  | 'Excluded'
  | 'TooYoung'
  | 'RecentlyUsed'
  | 'NewestInRepository'
  | 'BelowThreshold'
  | 'NotPullable'
  | 'RegistryUnknown'
  | 'LastCopy'
  | 'OverLimit';
