import { styleText } from 'node:util';
import { bar, percentText } from './bar.ts';
import { type DemoNode, usedPercent } from './nodes.ts';

const barWidth = 12;

/** The scene that one is about to see. */
export function introduction(document: string): string[] {
  const lines = document.trimEnd().split('\n');
  return [
    styleText('bold', 'nodesweep: three simulated nodes, the real scheduler, the real cleaner'),
    '',
    'On every node search:7 and shop:2.4 run, the container of report-job:5 has',
    'exited, and old releases and CI builds fill the disk. This is the policy:',
    '',
    ...lines.map((line) => styleText('cyan', `    ${line}`)),
    '',
    'So that nobody has to wait for three in the morning, the demo asks for a run',
    'every few seconds: it sets the annotation nodesweep.io/run-at of the policy.',
  ];
}

/** The scene of the image lists. */
export function introduceLists(document: string): string[] {
  return [
    ...heading('image lists'),
    'The other half keeps images on nodes before anything needs them. A release',
    'comes: search:8 and shop:3.0 for all nodes, and model:7 for node-3, which',
    'nobody has pushed to the (simulated) registry. This is the policy:',
    '',
    ...document
      .trimEnd()
      .split('\n')
      .map((line) => styleText('cyan', `    ${line}`)),
    '',
    styleText('dim', '… all nodes are new to it, so a run starts at once'),
  ];
}

export function heading(text: string): string[] {
  return ['', styleText('bold', `── ${text} ──`)];
}

/** The disks of all nodes at this moment, in one line. */
export function diskLine(nodes: readonly DemoNode[]): string {
  const disks = nodes.map((node) => [node, usedPercent(node)] as const);
  return disks.map(([{ name }, used]) => `${name} ${bar(used, barWidth)}${percentText(used)}`).join('  ');
}
