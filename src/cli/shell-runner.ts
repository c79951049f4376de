/** Runs the shell's statements and commands, whether they come from a prompt, a file or a pipe. */
import { parse } from 'lossless-json';
import type { ShellConnection } from './shell-connection.ts';
import { codeOf } from './shell-connection.ts';
import { COMMAND_NAMES, runCommand } from './shell-commands.ts';
import type { Vocabulary } from './shell-completion.ts';
import { paint } from './shell-highlight.ts';
import { remarks, rowPrinter } from './shell-output.ts';
import type { OutputForm, RowPrinter, Sink } from './shell-output.ts';

export interface ShellSettings {
  readonly form: OutputForm;
  readonly timing: boolean;
  readonly isTerminal: boolean;
  readonly colours: boolean;
}

/** How long what completion offers is held to be true, ms. */
const VOCABULARY_FRESH_MS = 10_000;

export class Shell {
  readonly connection: ShellConnection;
  readonly out: Sink;
  readonly err: Sink;
  readonly isTerminal: boolean;
  readonly colours: boolean;
  readonly parameters: Record<string, unknown> = {};
  form: OutputForm;
  timing: boolean;
  /** How deep in `:source` we are. */
  depth = 0;
  #leaving = false;
  #vocabulary: { readonly graph: string; readonly atMs: number; readonly words: Promise<Vocabulary> } | undefined;

  constructor(connection: ShellConnection, out: Sink, err: Sink, settings: ShellSettings) {
    this.connection = connection;
    this.out = out;
    this.err = err;
    this.form = settings.form;
    this.timing = settings.timing;
    this.isTerminal = settings.isTerminal;
    this.colours = settings.colours;
  }

  get prompt(): string {
    return `${this.connection.graph}${this.connection.inTransaction ? '*' : ''}> `;
  }

  leave(): void {
    this.#leaving = true;
  }

  async say(text: string): Promise<void> {
    await this.out.write(`${text}\n`);
  }

  /** A statement or command. False when the shell is to end. */
  async run(text: string): Promise<boolean> {
    if (text.startsWith(':')) await runCommand(this, text);
    else await this.statement(text);
    return !this.#leaving && !this.out.closed;
  }

  async statement(text: string): Promise<void> {
    const started = performance.now();
    let printer: RowPrinter | undefined;
    const summary = await this.connection.run(text, this.parameters, {
      columns: (names) => {
        printer = rowPrinter(this.form, names, this.out);
        return undefined;
      },
      row: (values) => {
        const waiting = printer!.row(values);
        return waiting === undefined ? this.out.closed : waiting.then(() => this.out.closed);
      },
    });
    await printer?.end({ summary, elapsedMs: this.timing ? performance.now() - started : undefined });
    for (const remark of remarks(summary)) await this.err.write(`${this.colours ? paint('yellow', remark) : remark}\n`);
    if (!/^(read|r)$/.test(summary.queryType)) this.#vocabulary = undefined;
  }

  /** JSON, or else an expression that the server works out. */
  async evaluate(text: string): Promise<unknown> {
    try {
      return parse(text, null, (digits) => (/^-?\d+$/.test(digits) ? BigInt(digits) : Number(digits)));
    } catch {
      // Not JSON: an expression.
    }
    let value: unknown;
    await this.connection.run(`RETURN ${text} AS value`, this.parameters, {
      columns: () => undefined,
      row: (values) => {
        [value] = values;
        return false;
      },
    });
    return value;
  }

  async complain(error: unknown, place?: string): Promise<void> {
    const code = codeOf(error);
    const text = `${place === undefined ? '' : `${place}: `}${code === undefined ? '' : `${code}: `}${error instanceof Error ? error.message : String(error)}`;
    await this.err.write(`${this.colours ? paint('red', text) : text}\n`);
  }

  /** What can be completed, asked for anew after a while and after a write. */
  async vocabulary(): Promise<Vocabulary> {
    const { graph } = this.connection;
    if (this.#vocabulary?.graph !== graph || performance.now() - this.#vocabulary.atMs > VOCABULARY_FRESH_MS) {
      this.#vocabulary = { graph, atMs: performance.now(), words: this.#askVocabulary() };
    }
    return { ...await this.#vocabulary.words, parameters: Object.keys(this.parameters) };
  }

  async #askVocabulary(): Promise<Vocabulary> {
    const column = async (statement: string): Promise<string[]> => {
      try {
        return (await this.connection.ask(statement)).map(([name]) => String(name));
      } catch {
        return []; // Tab is no place to complain: what the user may not see is not offered.
      }
    };
    const [labels, types, keys, procedures, functions, graphs] = await Promise.all([
      column('CALL db.vertexLabels()'), column('CALL db.edgeLabels()'), column('CALL db.propertyKeys()'), column('CALL dbms.procedures()'), column('SHOW FUNCTIONS'),
      column('CALL dbms.graph.listUserGraphs($user)'.replace('$user', `'${this.connection.user.replaceAll(/['\\]/g, '\\$&')}'`)),
    ]);
    return { labels: labels!, types: types!, keys: keys!, procedures: procedures!, functions: functions!, graphs: graphs!, parameters: [], commands: COMMAND_NAMES };
  }
}
