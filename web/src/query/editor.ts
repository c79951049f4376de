/**
 * The editor. It lives in a shadow root, where CodeMirror adopts its style sheets instead of writing <style> elements, which
 * the content security policy of the page forbids.
 */
import { autocompletion, closeBrackets, closeCompletion, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { linter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import type { Diagnostic } from '@codemirror/lint';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { DbError } from '../../../src/base/errors.ts';
import { parseStatement } from '../../../src/cypher/parser/parse.ts';
import { completionSource, cypherLanguage } from './cypher-language.ts';

export interface EditorOptions {
  readonly text: string;
  readonly label: string;
  readonly isDark: boolean;
  readonly graph: () => string;
  readonly onRun: () => void;
  readonly onChange: (text: string) => void;
}

export interface Editor {
  readonly text: string;
  set(text: string): void;
  focus(): void;
  setDark(isDark: boolean): void;
  /** Marks the place a server's error names. */
  mark(line: number, column: number, message: string): void;
  destroy(): void;
}

function colours(isDark: boolean) {
  const [keyword, type, string, number, fn, comment, parameter] = isDark
    ? ['#9aa7ff', '#6fd3a3', '#e8b26a', '#7fc7ff', '#d79cf0', '#7f8a9e', '#ff9c9c'] : ['#3144c4', '#0b6e4a', '#8f4d00', '#0a5fa8', '#7a2aa0', '#6a7385', '#b02a2a'];
  const style = HighlightStyle.define([
    { tag: tags.keyword, color: keyword, fontWeight: '600' }, { tag: tags.typeName, color: type }, { tag: tags.string, color: string }, { tag: [tags.number, tags.atom], color: number },
    { tag: tags.function(tags.variableName), color: fn }, { tag: tags.comment, color: comment, fontStyle: 'italic' }, { tag: tags.special(tags.variableName), color: parameter },
  ]);
  const theme = EditorView.theme({
    '&': { backgroundColor: isDark ? '#151922' : '#fff', color: isDark ? '#e4e8f0' : '#1d2330', fontSize: '14px' },
    '&.cm-focused': { outline: 'none' },
    '.cm-scroller': { fontFamily: 'ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace', maxHeight: '40vh', minHeight: '74px', overflow: 'auto' },
    '.cm-gutters': { backgroundColor: 'transparent', border: 'none', color: isDark ? '#667085' : '#98a2b3' },
    '.cm-activeLine': { backgroundColor: isDark ? '#ffffff0a' : '#00000008' },
    '.cm-tooltip': { backgroundColor: isDark ? '#1a1e27' : '#fff', border: `1px solid ${isDark ? '#2d3442' : '#dde1e8'}`, color: 'inherit' },
    '.cm-cursor': { borderLeftColor: isDark ? '#fff' : '#000' },
  }, { dark: isDark });
  return [theme, syntaxHighlighting(style)];
}

/** The range to underline: the word at a place, or one character. */
function diagnostic(state: EditorState, at: number, message: string): Diagnostic {
  const from = Math.min(at, state.doc.length);
  const word = state.wordAt(from);
  const to = word !== null && word.from === from ? word.to : Math.min(state.doc.length, from + 1);
  return { from: from === to ? Math.max(0, from - 1) : from, to, severity: 'error', message };
}

function offsetOf(state: EditorState, line: number, column: number): number {
  const { from, length } = state.doc.line(Math.max(1, Math.min(state.doc.lines, line)));
  return from + Math.min(length, Math.max(0, column - 1));
}

/** The message without the excerpt: the place is marked already. */
function short(message: string): string {
  return message.split('\n')[0]!.replace(/ \(line \d+, column \d+\)$/, '');
}

/** The server's own parser, so what is marked here is what the server would say. */
function check(view: EditorView): Diagnostic[] {
  const text = view.state.doc.toString();
  if (text.trim() === '') return [];
  try {
    parseStatement(text);
    return [];
  } catch (error) {
    if (!(error instanceof DbError) || error.position === undefined) return [];
    return [diagnostic(view.state, offsetOf(view.state, error.position.line, error.position.column), short(error.message))];
  }
}

export function mountEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const look = new Compartment();
  /** What the server said of a text; it holds until the text is another. */
  let said: { readonly text: string; readonly line: number; readonly column: number; readonly message: string } | undefined;
  const lint = (target: EditorView): Diagnostic[] => {
    const found = check(target);
    if (found.length > 0 || said === undefined || said.text !== target.state.doc.toString()) return found;
    return [diagnostic(target.state, offsetOf(target.state, said.line, said.column), said.message)];
  };
  const view: EditorView = new EditorView({
    root, parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        Prec.highest(keymap.of([{ key: 'Mod-Enter', run: (target) => {
          closeCompletion(target);
          options.onRun();
          return true;
        } }])),
        lineNumbers(), history(), drawSelection(), bracketMatching(), closeBrackets(), highlightActiveLine(), EditorView.lineWrapping, placeholder('MATCH (n) RETURN n LIMIT 25'),
        cypherLanguage, autocompletion({ override: [completionSource(options.graph)], icons: false }), linter(lint, { delay: 400 }),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ 'aria-label': options.label, spellcheck: 'false', 'data-testid': 'editor' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onChange(update.state.doc.toString());
        }),
        look.of(colours(options.isDark)),
      ],
    }),
  });
  return {
    get text() {
      return view.state.doc.toString();
    },
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } }),
    focus: () => view.focus(),
    setDark: (isDark) => view.dispatch({ effects: look.reconfigure(colours(isDark)) }),
    mark: (line, column, message) => {
      said = { text: view.state.doc.toString(), line, column, message: short(message) };
      view.dispatch(setDiagnostics(view.state, lint(view)));
      view.dispatch({ selection: { anchor: offsetOf(view.state, line, column) }, scrollIntoView: true });
    },
    destroy: () => view.destroy(),
  };
}
