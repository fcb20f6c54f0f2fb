/**
 * The trigger of a run: a scheduled time (`slot`), a request by an annotation, disk pressure, or nodes that no run has
 * served. With `Purge`, a run only takes away what earlier runs have left on nodes. For disk pressure and new nodes, `after` is
 * the start of the run before, or the creation of the policy: it identifies the run.
 */
export type Trigger =
  | { readonly type: 'Schedule'; readonly slot: Date }
  | { readonly type: 'Request'; readonly request: string }
  | { readonly type: 'Pressure'; readonly after: Date }
  | { readonly type: 'Nodes'; readonly after: Date }
  | { readonly type: 'Purge'; readonly request: string };

/** The cause of a run, as words that follow its start. */
export function describeTrigger(trigger: Trigger): string {
  switch (trigger.type) {
    case 'Schedule':
      return `for the scheduled time ${trigger.slot.toISOString()}`;
    case 'Request':
      return `on request "${trigger.request}"`;
    case 'Pressure':
      return 'because nodes are under disk pressure';
    case 'Nodes':
      return 'for nodes that are new to the policy';
    case 'Purge':
      return `to remove all images of the policy (${trigger.request})`;
    default:
      return trigger satisfies never;
  }
}
