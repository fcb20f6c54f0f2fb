import type * as z from 'zod';
import { cutText } from '../../../contract/text.ts';
import { findNearest } from './nearest.ts';

const maxShown = 40;

/**
 * The message of a problem that a schema finds, in the words of a person: what to write, and what is there. Undefined for
 * problems whose schema has words of its own.
 */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return describeType(issue.expected, issue.input);
    case 'invalid_value':
      return describeChoice(issue.values, issue.input);
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

function describeType(expected: string, input: unknown): string {
  if (input === undefined) return 'is required';
  if (input === null) return 'has no value; write one, or remove the field';
  switch (expected) {
    case 'string':
      return describeText(input);
    case 'int':
    case 'number':
      return describeNumber(input);
    case 'boolean':
      return describeBoolean(input);
    case 'array':
      return describeList(input);
    default:
      return `must be a mapping, like {name: value}; it is ${describeValue(input)}`;
  }
}

/** The number itself is not shown: YAML reads `1.10` as 1.1. */
function describeText(input: unknown): string {
  if (typeof input === 'number') return 'must be a text; it is a number, so put it in quotes';
  if (typeof input === 'boolean') return `must be a text; write "${input}", in quotes`;
  return `must be a text; it is ${describeValue(input)}`;
}

function describeNumber(input: unknown): string {
  if (typeof input === 'string' && /^-?\d{1,15}$/.test(input.trim()))
    return `must be a number; write ${Number(input)}, without quotes`;
  return `must be a whole number; it is ${describeValue(input)}`;
}

/** The words that YAML 1.1 reads as true and false, and YAML 1.2 as texts. */
const booleanWords: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  y: true,
  false: false,
  no: false,
  off: false,
  n: false,
};

function describeBoolean(input: unknown): string {
  const meant = typeof input === 'string' ? booleanWords[input.trim().toLowerCase()] : undefined;
  if (meant !== undefined) return `must be true or false; write ${meant}, without quotes`;
  return `must be true or false; it is ${describeValue(input)}`;
}

function describeList(input: unknown): string {
  if (typeof input === 'object') return 'must be a list; begin each item with a dash';
  const isPlain = typeof input !== 'string' || /^[A-Za-z0-9][\w./-]*$/.test(input);
  return `must be a list; write [${isPlain ? shorten(String(input)) : shorten(JSON.stringify(input))}]`;
}

function describeChoice(values: readonly unknown[], input: unknown): string {
  if (input === undefined) return 'is required';
  const choices = values.filter((value) => value !== '').map(String);
  const rule = `must be ${listChoices(choices)}`;
  const nearest = typeof input === 'string' ? findNearest(input, choices) : undefined;
  return nearest === undefined ? `${rule}; it is ${describeValue(input)}` : `${rule}; write ${nearest}`;
}

function listChoices(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join() : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

function describeValue(input: unknown): string {
  if (typeof input === 'string') return input === '' ? 'an empty text' : `the text "${shorten(input)}"`;
  if (typeof input === 'number') return `the number ${input}`;
  if (input === null) return 'empty';
  if (typeof input === 'object') return Array.isArray(input) ? 'a list' : 'a mapping';
  return String(input);
}

function shorten(text: string): string {
  return cutText(text.replaceAll(/\s+/g, ' '), maxShown);
}
