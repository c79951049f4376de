/**
 * Statements that differ in literals only share one plan: `MATCH (n {id: 17})` and `MATCH (n {id: 18})` are one statement with a parameter.
 *
 * A literal becomes a parameter only where neither the plan nor a column's name can depend on it: as the value of a key in a map
 * and as the right side of `x.key = …`, before RETURN, in the clauses that match and change. Ranges, LIMIT, lengths of patterns, arguments of
 * procedures and what WITH and RETURN compute stay as they are. The statement keeps its text, and with it the places its errors point to.
 */
import { Float, type Value } from '../value/value.ts';
import { isWellFormedInteger, readInteger, tokenize, type Token } from './parser/lexer.ts';

export interface Lifted {
  /** The text without the literals; equal for statements that share a plan. */
  readonly key: string;
  /** The statement's tokens, with parameters in place of the literals. */
  readonly tokens: readonly Token[];
  /** Parameters by names that no user can write. */
  readonly values: ReadonlyMap<string, Value>;
}

const BEGINS = new Set(['MATCH', 'OPTIONAL', 'MERGE', 'CREATE', 'UNWIND']);
/** After these literals may be lifted, until another clause begins. */
const LIFTING = new Set(['MATCH', 'WHERE', 'CREATE', 'MERGE', 'SET']);
const OTHERS = new Set(['WITH', 'UNWIND', 'DELETE', 'DETACH', 'REMOVE', 'ORDER', 'SKIP', 'LIMIT', 'USING', 'ON']);
/** Statements with these are left alone: they run in ways of their own, or read their arguments before anything runs. */
const REFUSED = new Set(['CALL', 'FOREACH', 'LOAD', 'YIELD', 'UNION', 'USE']);
const AFTER = new Set([...LIFTING, ...OTHERS, 'RETURN', 'AND', 'OR', 'XOR', ',', '}', ')']);

/** Undefined: nothing to lift. */
export function liftLiterals(text: string): Lifted | undefined {
  let tokens: Token[];
  try {
    tokens = tokenize(text);
  } catch {
    // Said where the statement is parsed.
    return undefined;
  }
  // CREATE INDEX and the like are commands.
  if (!BEGINS.has(tokens[0]!.key) || (tokens[0]!.key === 'CREATE' && tokens[1]!.key !== '(')) return undefined;
  const values = new Map<string, Value>();
  let key = '';
  let keyEnd = 0;
  let lifting = false;
  let returned = false;
  let depth = 0;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const before = i === 0 ? '' : tokens[i - 1]!.key;
    if (token.type === 'punct') {
      if (token.key === '{') depth++;
      else if (token.key === '}') depth--;
    } else if (token.type === 'word' && before !== '.' && before !== ':') {
      if (REFUSED.has(token.key)) return undefined;
      // Columns come from what follows.
      if (depth === 0 && token.key === 'RETURN') returned = true;
      else if (depth === 0 && LIFTING.has(token.key)) lifting = true;
      else if (depth === 0 && OTHERS.has(token.key)) lifting = false;
    }
    // In backticks a name may be anything.
    if (token.type === 'parameter' && token.text.startsWith(' ')) return undefined;
    if (!lifting || returned || !isPlace(tokens, i)) continue;
    const value = literal(token);
    if (value === undefined) continue;
    const name = ` ${values.size}`;
    values.set(name, value);
    // Integers, floats and texts are different statements: what is known of their types may matter.
    key += `${text.slice(keyEnd, token.start)}\0${token.type}`;
    keyEnd = token.end;
    tokens[i] = { ...token, type: 'parameter', text: name };
  }
  return values.size === 0 ? undefined : { key: key + text.slice(keyEnd), tokens, values };
}

/** `{key: …` or `, key: …` or `x.key = …`, with nothing behind that goes on with the expression. */
function isPlace(tokens: readonly Token[], i: number): boolean {
  const { type } = tokens[i]!;
  if (type !== 'integer' && type !== 'string' && type !== 'float') return false;
  const [two, one] = [tokens[i - 3], tokens[i - 1]];
  if (one === undefined || two === undefined || !isName(tokens[i - 2]!)) return false;
  const isValue = one.key === ':' && (two.key === '{' || two.key === ',');
  const isCompared = one.key === '=' && two.key === '.';
  const next = tokens[i + 1]!;
  return (isValue || isCompared) && (next.type === 'end' || AFTER.has(next.key));
}

function isName({ type }: Token): boolean {
  return type === 'word' || type === 'quoted';
}

function literal({ type, text }: Token): Value | undefined {
  if (type === 'string') return text;
  if (type === 'integer') return isWellFormedInteger(text) ? readInteger(text, false)?.value : undefined;
  const value = Number(text);
  return Number.isFinite(value) ? new Float(value) : undefined;
}
