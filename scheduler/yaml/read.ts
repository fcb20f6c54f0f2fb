import { Composer, type CST, type Document, Lexer, LineCounter, Parser } from 'yaml';
import { formatProblem, type Problem } from '../policy/problem.ts';
import { offsetBelow } from './depth.ts';
import { storedLimits, type YamlLimits } from './limits.ts';
import { type Fault, valuesOf } from './values.ts';

/** The values of the documents of a text, or all problems of the text. */
export type YamlResult =
  | { readonly valid: true; readonly values: readonly unknown[] }
  | { readonly valid: false; readonly problems: readonly Problem[] };

/** The error for a text that the scheduler has written, and that can't be read any more. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

/**
 * Reads all documents of a text: YAML 1.2 with its core schema, without merge keys and tags. The time is proportional to the
 * length of the text for every content. An empty document is null.
 */
export function readYaml(text: string, limits: YamlLimits): YamlResult {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const outcome = checkText(text, limits, lines) ?? withoutStackTraces(() => parse(text, limits, lines));
  if ('values' in outcome) return { valid: true, values: outcome.values };
  return { valid: false, problems: outcome.faults.map((fault) => toProblem(fault, lines)) };
}

/** Reads a text of one document that the scheduler has written; throws a {@link YamlError}. */
export function readStored(text: string): unknown {
  const result = readYaml(text, storedLimits);
  if (result.valid) return result.values[0];
  throw new YamlError(result.problems.slice(0, 1).map(formatProblem).join());
}

/** YAML 1.2 with its core schema. {@link readYaml} itself looks for keys that occur twice. */
export const yamlOptions = {
  schema: 'core',
  resolveKnownTags: false,
  uniqueKeys: false,
  prettyErrors: false,
} as const;

type Outcome = { readonly values: readonly unknown[] } | { readonly faults: readonly Fault[] };

/** Control characters and halves of characters. YAML does not allow them, and the parser uses some of them as marks. */
const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\u{10ffff}]/u;

function checkText(text: string, limits: YamlLimits, lines: LineCounter): Outcome | undefined {
  if (text.length > limits.length) {
    return {
      faults: [{ message: `is too large: it has ${text.length} characters, and the limit is ${limits.length}` }],
    };
  }
  const offset = text.search(forbidden);
  if (offset < 0) return undefined;
  for (const { index } of text.slice(0, offset).matchAll(/\n/g)) lines.addNewLine(index + 1);
  const code = text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, '0');
  return {
    faults: [{ offset, message: `the character U+${code} is not allowed; write it as an escape in double quotes` }],
  };
}

/** Does work without stack traces: those of a hundred thousand errors would take seconds. */
function withoutStackTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function parse(text: string, limits: YamlLimits, lines: LineCounter): Outcome {
  const parsed = readTokens(text, limits, lines);
  if (!Array.isArray(parsed)) return { faults: [parsed] };
  const deep = parsed.flatMap((token) => depthFaults(token, limits));
  if (deep.length > 0) return { faults: deep };
  const documents = [...new Composer(yamlOptions).compose(parsed, true, text.length)];
  const faults = documents.flatMap(faultsOf);
  if (faults.length > 0) return { faults };
  const contents = documents.map((document) => valuesOf(document.contents, limits.weight));
  const found = contents.flatMap((values) => values.faults);
  return found.length > 0 ? { faults: found } : { values: contents.map(({ value }) => value) };
}

function readTokens(text: string, limits: YamlLimits, lines: LineCounter): CST.Token[] | Fault {
  const parser = new Parser(lines.addNewLine);
  const documents: CST.Token[] = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    count += 1;
    if (count > limits.tokens)
      return { message: `is too large: it has more than ${limits.tokens} tokens (words, signs and spaces)` };
    documents.push(...parser.next(lexeme));
  }
  documents.push(...parser.end());
  return documents;
}

function depthFaults(token: CST.Token, { depth }: YamlLimits): Fault[] {
  const offset = token.type === 'document' ? offsetBelow(token, depth) : undefined;
  return offset === undefined ? [] : [{ offset, message: `collections are nested more than ${depth} levels deep` }];
}

/** The errors and warnings of a document. The parser warns about parts that it does not understand, for example a tag. */
function faultsOf({ errors, warnings }: Pick<Document, 'errors' | 'warnings'>): Fault[] {
  const found = [...errors, ...warnings].map(({ pos, message }) => ({ offset: pos[0], message }));
  return found.sort((a, b) => a.offset - b.offset);
}

function toProblem({ offset, message }: Fault, lines: LineCounter): Problem {
  if (offset === undefined) return { path: '', message };
  const { line, col } = lines.linePos(offset);
  return { path: `line ${line}, column ${col}`, message, place: { offset } };
}
