/** Cypher for CodeMirror: colours by token, completion by what stands before the cursor. */
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { StreamLanguage } from '@codemirror/language';
import type { StringStream } from '@codemirror/language';
import { vocabulary } from './vocabulary.ts';

const KEYWORDS = `ACTION ALL AND AS ASC ASCENDING BATCH BETWEEN BY CALL CASE CONTAINS COUNT CREATE DELETE DESC DESCENDING DETACH DISTINCT ELSE END ENDS EXISTS EXPLAIN FALSE FIELDTERMINATOR
FOREACH FROM HEADERS IN INDEX IS LIMIT LOAD CSV MATCH MERGE NOT NULL ON OPTIONAL OR ORDER PROFILE REMOVE RETURN ROWS SET SHOW SKIP STARTS TERMINATE THEN TRANSACTIONS TRUE UNION UNWIND USE
WHEN WHERE WITH XOR YIELD`.split(/\s+/);
const KEYWORD_SET = new Set(KEYWORDS);
const ATOMS = new Set(['TRUE', 'FALSE', 'NULL']);

interface State {
  inComment: boolean;
  /** A colon was the last token: a label or a type follows. */
  afterColon: boolean;
}

function skipTo(stream: StringStream, quote: string): void {
  while (!stream.eol()) {
    const char = stream.next();
    if (char === '\\' && quote !== '`') stream.next();
    else if (char === quote) return;
  }
}

function blockComment(stream: StringStream, state: State): string {
  state.inComment = !stream.match(/^.*?\*\//);
  if (state.inComment) stream.skipToEnd();
  return 'comment';
}

function token(stream: StringStream, state: State): string | null {
  if (state.inComment) return blockComment(stream, state);
  if (stream.eatSpace()) return null;
  if (stream.match('//')) {
    stream.skipToEnd();
    return 'comment';
  }
  if (stream.match('/*')) return blockComment(stream, state);
  const { afterColon } = state;
  state.afterColon = false;
  if (stream.match(/^\$(\w+|`)/)) return 'variableName.special';
  if (stream.match(/^\d[\w.]*/)) return 'number';
  if (stream.match(/^[\p{L}_][\p{L}\p{N}_]*/u)) {
    const word = stream.current();
    if (afterColon) return 'typeName';
    if (ATOMS.has(word.toUpperCase())) return 'atom';
    if (KEYWORD_SET.has(word.toUpperCase()) && stream.peek() !== '.') return 'keyword';
    return stream.match(/^\s*\(/, false) || stream.match(/^(\.\w+)+\s*\(/, false) ? 'variableName.function' : 'variableName';
  }
  const char = stream.next();
  if (char === "'" || char === '"') {
    skipTo(stream, char);
    return 'string';
  }
  if (char === '`') {
    skipTo(stream, '`');
    return afterColon ? 'typeName' : 'variableName';
  }
  state.afterColon = char === ':' || (afterColon && (char === '|' || char === '&'));
  return char !== undefined && '()[]{}'.includes(char) ? 'bracket' : 'operator';
}

export const cypherLanguage = StreamLanguage.define<State>({
  name: 'cypher', startState: () => ({ inComment: false, afterColon: false }), token,
  languageData: { commentTokens: { line: '//', block: { open: '/*', close: '*/' } }, closeBrackets: { brackets: ['(', '[', '{', "'", '"', '`'] } },
});

const name = (text: string): string => (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(text) ? text : `\`${text.replaceAll('`', '``')}\``);
const options = (names: readonly string[], type: string): Completion[] => names.map((label) => ({ label, apply: name(label), type }));

/** Completes in the graph that `graph` names at that moment. */
export function completionSource(graph: () => string) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const word = context.matchBefore(/[\p{L}_][\p{L}\p{N}_.]*$/u);
    const from = word?.from ?? context.pos;
    const before = context.state.sliceDoc(Math.max(0, from - 200), from);
    const isLabel = /:\s*$/.test(before) || /:\s*\w+[|&]$/.test(before);
    if (word === null && !context.explicit && !isLabel) return null;
    const words = await vocabulary(graph());
    if (isLabel) {
      const inRelationship = /\[[^\]]*$/.test(before);
      return { from, options: inRelationship ? options(words.types, 'type') : options(words.labels, 'class'), validFor: /^\w*$/ };
    }
    const dotted = word === null ? null : /^(.*\.)(\w*)$/.exec(word.text);
    if (/\bCALL\s+$/i.test(before)) return { from, options: procedures(words.procedures), validFor: /^[\w.]*$/ };
    if (dotted !== null && !words.functions.some((one) => one.name.startsWith(dotted[1]!))) {
      return { from: from + dotted[1]!.length, options: options(words.keys, 'property'), validFor: /^\w*$/ };
    }
    const variables = new Set([...context.state.doc.toString().matchAll(/[([]\s*([\p{L}_]\w*)\s*[:)\]{]|\bAS\s+(\w+)/giu)].map((match) => match[1] ?? match[2]!));
    return {
      from, validFor: /^\w*$/,
      options: [
        ...[...variables].map((label) => ({ label, type: 'variable', boost: 2 })), ...KEYWORDS.map((label) => ({ label, type: 'keyword', boost: 1 })),
        ...words.functions.map((one) => ({ label: one.name, type: 'function', detail: one.category, apply: `${one.name}(` })),
      ],
    };
  };
}

function procedures(all: readonly { readonly name: string; readonly signature: string }[]): Completion[] {
  return all.map(({ name: label, signature }) => ({ label, type: 'function', detail: signature.replace(label, '').split('::')[0]!.trim().slice(0, 60), apply: `${label}(` }));
}
