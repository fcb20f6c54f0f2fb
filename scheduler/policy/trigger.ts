/**
 * The reason why a run exists: for a slot of its schedule, because somebody asked for it with an annotation, or because of disk
 * pressure, as the first run after another one began (or after the policy was made).
 */
export type Trigger =
  | { readonly type: 'Schedule'; readonly slot: Date }
  | { readonly type: 'Request'; readonly request: string }
  | { readonly type: 'Pressure'; readonly after: Date };
