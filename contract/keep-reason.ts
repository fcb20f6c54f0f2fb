/** The reason why an image is kept, strongest first: an image with several reasons is kept for the first. */
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
  | 'OverLimit';
