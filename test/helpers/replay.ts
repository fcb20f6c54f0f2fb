import { readFileSync } from 'node:fs';
import type { RunCrictl } from '../../cleaner/runtime/crictl/process.ts';
import {
  containerList,
  containerStatus,
  filesystemInfo,
  imageList,
  imageStatus,
  podList,
  runtimeInfo,
  sandboxStatus,
} from '../fixtures/simulated/answers.mjs';
import type { SimulatedNode } from '../fixtures/simulated/node.ts';

const commands = ['images', 'ps', 'inspect', 'inspecti', 'info', 'pods', 'inspectp', 'imagefsinfo'] as const;
type Command = (typeof commands)[number];

/** All that crictl says to each of its subcommands, one document after the other; `inspect`, `inspecti` and `inspectp` about everything. */
export type Answers = Readonly<Record<Command, readonly unknown[]>>;

/** The same as it is printed. */
export type PrintedAnswers = Readonly<Record<Command, string>>;

export function answersOf(node: SimulatedNode): Answers {
  const all = (documents: readonly unknown[]) => (node.flavour === 'crictl-1.24' ? documents : [documents]);
  return {
    images: [{ images: imageList(node) }],
    ps: [{ containers: containerList(node, true) }],
    inspect: all(node.containers.map(({ id }) => containerStatus(node, id))),
    inspecti: all(node.images.map(({ id }) => imageStatus(node, id))),
    info: [runtimeInfo(node)],
    pods: [{ items: podList(node) }],
    inspectp: all(node.sandboxes.map(({ id }) => sandboxStatus(node, id))),
    imagefsinfo: [filesystemInfo(node)],
  };
}

/** Those of test/fixtures/answers. */
export function recordedAnswers(directory: string): Answers {
  const read = (name: string) =>
    parseDocuments(readFileSync(new URL(`../fixtures/answers/${directory}/${name}.json`, import.meta.url), 'utf8'));
  return {
    images: read('images'),
    ps: read('ps-a'),
    inspect: read('inspect'),
    inspecti: read('inspecti'),
    info: read('info'),
    pods: read('pods'),
    inspectp: read('inspectp'),
    imagefsinfo: read('imagefsinfo'),
  };
}

export function printAnswers(answers: Answers): PrintedAnswers {
  const print = (command: Command) => answers[command].map((document) => `${JSON.stringify(document)}\n`).join('');
  return {
    images: print('images'),
    ps: print('ps'),
    inspect: print('inspect'),
    inspecti: print('inspecti'),
    info: print('info'),
    pods: print('pods'),
    inspectp: print('inspectp'),
    imagefsinfo: print('imagefsinfo'),
  };
}

/** A crictl that prints these answers, and like the real one fails when it is asked about an ID that isn't there. */
export function replay(answers: PrintedAnswers, ids: ReadonlySet<string>): RunCrictl {
  return async (_call, args) => {
    const command = commands.find((name) => name === args[0]);
    const missing = args.slice(1).find((arg) => /^[\w:.]{8,}$/.test(arg) && !ids.has(arg));
    if (command === undefined || missing !== undefined) {
      const stderr = `time="x" level=fatal msg="get status of \\"${missing}\\": rpc error: code = NotFound"`;
      return { problem: { kind: 'Exited', exitCode: 1, stderr } };
    }
    return { stdout: answers[command] };
  };
}

function parseDocuments(text: string): readonly unknown[] {
  return text.split(/\n(?=\{)/).map((document): unknown => JSON.parse(document));
}
