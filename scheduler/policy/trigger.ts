/**
 * The trigger of a run: a scheduled time (`slot`), a request by an annotation, or disk pressure. A run under disk pressure is
 * identified by the start of the run before it, or by the creation of the policy.
 */
export type Trigger =
  | { readonly type: 'Schedule'; readonly slot: Date }
  | { readonly type: 'Request'; readonly request: string }
  | { readonly type: 'Pressure'; readonly after: Date };
