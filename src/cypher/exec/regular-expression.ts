/**
 * `text =~ pattern`: Java's regular expressions as JavaScript's, which must match the whole text, and which a hostile pattern cannot make endless.
 *
 * JavaScript's matcher tries one way after the other and cannot be asked to stop. So what a pattern may cost at worst is estimated first, from its repetitions
 * and the text's length; where that is much, it runs with a limit of time (node:vm), and gives up with an error.
 */
import vm from 'node:vm';
import { DbError } from '../../base/errors.ts';
import { typeError } from './compile-access.ts';
import { fromJava } from './java-pattern.ts';
import type { Evaluate, Runtime } from './runtime.ts';

/** Steps that take 50 ms at most (some 10 ns each); a limit of time costs 0.1 ms for each text, a hundred times what most matches take. */
const FREE_STEPS = 5_000_000;
/** The first is short, so that a kill or deadline is noticed; a match that is just slow on a busy machine gets the second. */
const LIMITS_MS = [25, 250];

interface Pattern {
  readonly text: string;
  readonly regex: RegExp;
  readonly stepsMax: (length: number) => number;
}

/** A constant pattern is compiled once. */
export function compileMatch(left: Evaluate, right: Evaluate): Evaluate {
  let last: Pattern | undefined;
  return (row, rt) => {
    const text = left(row, rt);
    const pattern = right(row, rt);
    if (typeof text !== 'string' || typeof pattern !== 'string') return null;
    if (last === undefined || pattern !== last.text) last = patternOf(pattern);
    return last.stepsMax(text.length) <= FREE_STEPS ? last.regex.test(text) : testWithin(last.regex, text, rt);
  };
}

function patternOf(text: string): Pattern {
  try {
    const { source, ignoresCase } = fromJava(text);
    return { text, regex: new RegExp(`^(?:${source})$`, ignoresCase ? 'vi' : 'v'), stepsMax: worstCase(source) };
  } catch (error) {
    throw typeError(`invalid regular expression: ${error instanceof Error ? error.message : String(error)}`, 'InvalidArgumentValue');
  }
}

/**
 * An upper bound of the steps on a text: in how many ways repetitions that stand alone, one behind the other, can share it; exponential where something that can be matched in
 * several ways, a repetition or a choice, is repeated itself.
 */
export function worstCase(pattern: string): (length: number) => number {
  let repetitions = 0;
  let nested = false;
  /** For each open group: whether it has several ways. */
  const groups: boolean[] = [];
  let closed = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    let hasClosed = false;
    if (char === '\\') {
      i++;
      if (/[1-9k]/.test(pattern[i] ?? '')) nested = true;
    } else if (char === '[') {
      for (i++; i < pattern.length && pattern[i] !== ']'; i++) if (pattern[i] === '\\') i++;
    } else if (char === '(') groups.push(false);
    else if (char === ')') {
      hasClosed = groups.pop() ?? false;
      if (hasClosed && groups.length > 0) groups[groups.length - 1] = true;
    } else if (char === '|') {
      if (groups.length > 0) groups[groups.length - 1] = true;
    } else if (char === '*' || char === '+' || (char === '{' && /^\{\d*,?\d*\}/.test(pattern.slice(i, i + 24)))) {
      repetitions++;
      nested ||= closed;
      if (groups.length > 0) groups[groups.length - 1] = true;
    } else if (char === '?' && pattern[i - 1] !== '(' && groups.length > 0) groups[groups.length - 1] = true;
    closed = hasClosed;
  }
  let orders = 1;
  for (let i = 2; i <= repetitions; i++) orders *= i;
  return nested ? (length) => 2 ** Math.min(length, 1000) : (length) => (length + repetitions) ** Math.max(1, repetitions) / orders;
}

const sandbox = vm.createContext({ regex: /^/, text: '' });
const script = new vm.Script('regex.test(text)');

function testWithin(regex: RegExp, text: string, rt: Runtime): boolean {
  for (const timeout of LIMITS_MS) {
    rt.checkpoint(0);
    sandbox.regex = regex;
    sandbox.text = text;
    try {
      return script.runInContext(sandbox, { timeout }) as boolean;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    } finally {
      sandbox.text = '';
    }
  }
  rt.checkpoint(0);
  throw new DbError('ArgumentError', `the regular expression has too many ways to match a text of ${text.length} characters`, {
    hint: 'avoid repetitions inside repetitions, such as (a+)+, and choices inside them that can match the same',
  });
}
