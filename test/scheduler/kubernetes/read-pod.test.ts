import { expect, it } from 'vitest';
import { annotation, label } from '../../../contract/labels.ts';
import { readPod } from '../../../scheduler/kubernetes/read-pod.ts';
import { podName } from '../../../scheduler/run/names.ts';

const run = 'nightly-29540760';

it.each(['2', '0', '7', 'x', '', '-1', '1e9', 'NaN', '2.5', undefined])(
  'the name of a pod shows its attempt, and its binding shows its node, even with the annotations %j (C24)',
  (attempt) => {
    const annotations = { [annotation.node]: 'b', ...(attempt !== undefined && { [annotation.attempt]: attempt }) };
    const metadata = { name: podName(run, 'a', 2), labels: { [label.run]: run }, annotations };
    expect(readPod({ metadata, spec: { nodeName: 'a', containers: [] } })).toMatchObject({ node: 'a', attempt: 2 });
  },
);
