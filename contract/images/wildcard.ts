type Token =
  | { readonly kind: 'character'; readonly character: string }
  | { readonly kind: 'segment' }
  | { readonly kind: 'path' }
  | { readonly kind: 'skip'; readonly tokens: number };

/**
 * Compiles a pattern in which `*` matches any text without a slash, and `**` any text. Between two slashes, `**` also
 * matches no segment. The time to match is proportional to the lengths of pattern and text for every pattern.
 * The time of a regular expression with many wildcards is not.
 */
export function compileWildcards(pattern: string): (text: string) => boolean {
  if (pattern === '**') return () => true;
  if (!pattern.includes('*')) return (text) => text === pattern;
  const [prefix = '', suffix = '', ...more] = pattern.split(/\*+/);
  if (more.length === 0 && !pattern.includes('/**/')) return matchEnds(prefix, suffix, pattern.includes('**'));
  const tokens = tokenise(pattern);
  const start = enter(tokens, new Set<number>(), 0);
  return (text) => {
    if (!text.startsWith(prefix)) return false;
    let positions: ReadonlySet<number> = start;
    for (const character of text) {
      positions = advance(tokens, positions, character);
      if (positions.size === 0) return false;
    }
    return positions.has(tokens.length);
  };
}

/** A fast path: most patterns have a single wildcard, and are compared with thousands of names. */
function matchEnds(prefix: string, suffix: string, isPath: boolean): (text: string) => boolean {
  return (text) => {
    const end = text.length - suffix.length;
    if (end < prefix.length || !text.startsWith(prefix) || !text.endsWith(suffix)) return false;
    return isPath || !text.slice(prefix.length, end).includes('/');
  };
}

function tokenise(pattern: string): readonly Token[] {
  const pieces = pattern.match(/(?<=\/)\*\*\/|\*{2,}|./gs) ?? [];
  return pieces.flatMap((piece): readonly Token[] => {
    if (piece === '**/') return [{ kind: 'skip', tokens: 2 }, { kind: 'path' }, { kind: 'character', character: '/' }];
    if (piece === '*') return [{ kind: 'segment' }];
    if (piece.startsWith('*')) return [{ kind: 'path' }];
    return [{ kind: 'character', character: piece }];
  });
}

function advance(tokens: readonly Token[], positions: ReadonlySet<number>, character: string): ReadonlySet<number> {
  const next = new Set<number>();
  for (const position of positions) {
    const token = tokens[position];
    if (token?.kind === 'character' && token.character === character) enter(tokens, next, position + 1);
    if (token?.kind === 'path' || (token?.kind === 'segment' && character !== '/')) enter(tokens, next, position);
  }
  return next;
}

/** Adds a position, and all positions that can be reached from it without a character. */
function enter(tokens: readonly Token[], positions: Set<number>, position: number): Set<number> {
  if (positions.has(position)) return positions;
  positions.add(position);
  const token = tokens[position];
  if (token === undefined || token.kind === 'character') return positions;
  enter(tokens, positions, position + 1);
  return token.kind === 'skip' ? enter(tokens, positions, position + 1 + token.tokens) : positions;
}
