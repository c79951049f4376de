/** The prompt: line editing, colours while typing, completion, history. */
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { complete } from './shell-completion.ts';
import { highlight } from './shell-highlight.ts';
import { HISTORY_MAX, historyLine, loadHistory, saveHistory } from './shell-history.ts';
import type { Shell } from './shell-runner.ts';
import { StatementReader } from './statements.ts';

/** Longer lines are not coloured: each key would paint all of it. */
const COLOURED_MAX = 4000;

/** What we use of readline beyond its declared face; these names have been stable since Node 0.x. */
interface Inside {
  history: string[];
  line: string;
  _writeToOutput(text: string): void;
  _refreshLine(): void;
}

/** Until the user leaves. Returns the exit code: 0, since a mistake at the prompt is no failure. */
export async function interactive(shell: Shell, historyFile: string): Promise<number> {
  const reader = new StatementReader();
  const history = loadHistory(historyFile);
  const lines = createInterface({
    input: process.stdin, output: process.stdout, prompt: shell.prompt, history: [...history], historySize: HISTORY_MAX, removeHistoryDuplicates: true,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      void shell.vocabulary().then((words) => {
        const { offers, word } = complete(reader.pending + line, words);
        done(null, [[...offers], word]);
      });
    },
  });
  const inside = lines as unknown as Inside;
  if (shell.colours) colourWhileTyping(lines);
  let isBusy = false;
  const prompt = (): void => {
    lines.setPrompt(reader.pending === '' ? shell.prompt : `${' '.repeat(Math.max(0, shell.prompt.length - 3))}-> `);
    lines.prompt();
  };
  lines.on('SIGINT', () => {
    if (isBusy) {
      void shell.connection.interrupt();
      return;
    }
    reader.clear();
    process.stdout.write('^C\n');
    inside.line = '';
    (lines as unknown as { cursor: number }).cursor = 0;
    prompt();
  });

  const one = async (text: string): Promise<boolean> => {
    const remembered = historyLine(text);
    if (remembered !== undefined) {
      const before = history.indexOf(remembered);
      if (before >= 0) history.splice(before, 1);
      history.unshift(remembered);
      saveHistory(historyFile, remembered);
    }
    isBusy = true;
    try {
      return await shell.run(text);
    } catch (error) {
      if (shell.connection.interrupted) await shell.complain(new Error('interrupted'));
      else await shell.complain(error);
      return true;
    } finally {
      isBusy = false;
    }
  };

  prompt();
  try {
    for await (const line of lines) {
      for (const unit of reader.push(line)) if (!await one(unit.text)) return 0;
      // Statements are remembered, not the lines they were typed in.
      inside.history = [...history];
      prompt();
    }
    process.stdout.write('\n');
    return 0;
  } finally {
    lines.close(); // The end of the loop alone would leave it reading.
  }
}

/** readline writes either one character at the end of the line, or prompt and line: the latter is painted, and the former made the latter. */
function colourWhileTyping(lines: Interface): void {
  const inside = lines as unknown as Inside;
  const write = inside._writeToOutput.bind(lines);
  let isRefreshing = false;
  inside._writeToOutput = (text) => {
    const prompt = lines.getPrompt();
    if (inside.line.length > COLOURED_MAX) write(text);
    else if (text === prompt + inside.line) write(prompt + highlight(inside.line));
    else if (!isRefreshing && inside.line !== '' && inside.line.endsWith(text)) {
      isRefreshing = true;
      inside._refreshLine();
      isRefreshing = false;
    } else write(text);
  };
}
