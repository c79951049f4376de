/** The shell's `:commands`, one line each. */
import { readFileSync } from 'node:fs';
import type { Shell } from './shell-runner.ts';
import { OUTPUT_FORMS } from './shell-output.ts';
import type { OutputForm } from './shell-output.ts';
import { jsonLine } from './shell-values.ts';
import { unitsOf } from './statements.ts';

export interface Command {
  readonly usage: string;
  readonly meaning: string;
  run(shell: Shell, rest: string): Promise<void> | void;
}

/** `:source` within `:source` within ... is a loop, most likely. */
const SOURCE_DEPTH_MAX = 10;

const COMMANDS: Readonly<Record<string, Command>> = {
  ':help': { usage: '[COMMAND]', meaning: 'this list', run: (shell, rest) => shell.say(help(rest)) },
  ':use': {
    usage: 'GRAPH', meaning: 'the graph that the next statements run on',
    run: (shell, rest) => shell.connection.use(needed(rest, ':use GRAPH')),
  },
  ':param': {
    usage: 'NAME VALUE', meaning: 'sets a parameter: JSON, or any expression (also NAME => VALUE)',
    run: async (shell, rest) => {
      const [, name, value] = /^`?([\p{ID_Continue}]+)`?\s*(?:=>|[:=])?\s+(.+)$/su.exec(`${rest} `) ?? [];
      if (name === undefined || value === undefined || value.trim() === '') throw new Error(':param wants a name and a value, such as :param age 42');
      shell.parameters[name] = await shell.evaluate(value.trim());
    },
  },
  ':params': {
    usage: '[clear]', meaning: 'shows the parameters, or forgets them',
    run: async (shell, rest) => {
      if (rest === 'clear') for (const name of Object.keys(shell.parameters)) delete shell.parameters[name];
      else if (rest !== '') throw new Error(':params takes nothing, or clear');
      else await shell.say(jsonLine(shell.parameters));
    },
  },
  ':format': {
    usage: OUTPUT_FORMS.join('|'), meaning: 'how results are written',
    run: (shell, rest) => {
      if (!(OUTPUT_FORMS as readonly string[]).includes(rest)) throw new Error(`:format is one of ${OUTPUT_FORMS.join(', ')}`);
      shell.form = rest as OutputForm;
    },
  },
  ':timing': {
    usage: 'on|off', meaning: 'the time behind each table',
    run: (shell, rest) => {
      if (rest !== 'on' && rest !== 'off') throw new Error(':timing is on or off');
      shell.timing = rest === 'on';
    },
  },
  ':source': {
    usage: 'FILE', meaning: 'runs the statements of a file, up to the first that fails',
    run: async (shell, rest) => {
      const file = needed(rest, ':source FILE');
      if (shell.depth >= SOURCE_DEPTH_MAX) throw new Error(`:source is nested more than ${SOURCE_DEPTH_MAX} times`);
      shell.depth++;
      try {
        for (const unit of unitsOf(readFileSync(file, 'utf8'))) {
          if (!await shell.run(unit.text)) return;
        }
      } finally {
        shell.depth--;
      }
    },
  },
  ':cluster': { usage: '', meaning: 'the servers of the group', run: (shell) => shell.statement('CALL dbms.listServers()') },
  ':schema': { usage: '', meaning: 'labels, types, indexes and constraints of the graph', run: schema },
  ':begin': { usage: '', meaning: 'opens a transaction', run: (shell) => shell.connection.begin() },
  ':commit': { usage: '', meaning: 'makes its changes last', run: (shell) => shell.connection.commit() },
  ':rollback': { usage: '', meaning: 'gives them up', run: (shell) => shell.connection.rollback() },
  ':clear': { usage: '', meaning: 'clears the screen', run: (shell) => (shell.isTerminal ? shell.out.write('\u001b[2J\u001b[3J\u001b[H') : undefined) },
  ':exit': { usage: '', meaning: 'leaves (also :quit, exit, Ctrl-D)', run: (shell) => shell.leave() },
};

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

export async function runCommand(shell: Shell, line: string): Promise<void> {
  const name = /^:\S*/.exec(line)![0];
  const command = COMMANDS[name === ':quit' ? ':exit' : name];
  if (command === undefined) throw new Error(`there is no command ${name}; ${nearest(name)}:help lists them`);
  await command.run(shell, line.slice(name.length).trim());
}

function nearest(name: string): string {
  const close = COMMAND_NAMES.find((each) => each.startsWith(name) || name.startsWith(each));
  return close === undefined ? '' : `is it ${close}? `;
}

function needed(rest: string, usage: string): string {
  if (rest === '') throw new Error(`the usage is ${usage}`);
  return rest;
}

function help(about: string): string {
  const wanted = about === '' ? COMMAND_NAMES : COMMAND_NAMES.filter((name) => name === about || name === `:${about}`);
  if (wanted.length === 0) throw new Error(`there is no command ${about}; :help lists them`);
  const lines = wanted.map((name) => `  ${`${name} ${COMMANDS[name]!.usage}`.padEnd(30)} ${COMMANDS[name]!.meaning}`);
  if (about !== '') return lines.join('\n');
  return ['Statements end with a semicolon and may take several lines; Tab completes, Ctrl-C ends what is typed or running. Commands:', ...lines].join('\n');
}

async function schema(shell: Shell): Promise<void> {
  for (const statement of ['CALL db.vertexLabels()', 'CALL db.edgeLabels()', 'SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties', 'SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties']) {
    await shell.statement(statement);
  }
}
