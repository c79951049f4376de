/** `lgraph_cli` as a process: exit codes, pipes, a real terminal, a leader that is killed under it (`npm run build` first). */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../src/cli/rest-client.ts';
import { useGroup } from '../cluster/use-group.ts';

const CLI = resolve(import.meta.dirname, '../../bin/lgraph_cli');
const used = useGroup({ basePort: 18_700 });
const { directory } = used;

const uri = (): string => `neo4j://${used.group.servers.map((server) => server.boltUri.slice('bolt://'.length)).join(',')}`;
const cli = (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, '--uri', uri(), '--timing', 'false', ...args], { encoding: 'utf8', input, maxBuffer: 64 * 1024 * 1024 });
  return { status, stdout, stderr };
};

/** What a running shell has written, and a way to wait for more. */
function listen(child: ChildProcess): { text: () => string; until: (what: RegExp) => Promise<void> } {
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const text = (): string => stripVTControlCharacters(output);
  const until = async (what: RegExp): Promise<void> => {
    try {
      await eventually(String(what), 20_000, () => Promise.resolve(what.test(text()) || undefined));
    } catch (error) {
      throw new Error(`what is there: ${JSON.stringify(text().slice(-600))}`, { cause: error });
    }
  };
  return { text, until };
}

describe('without a terminal', () => {
  it('answers with exit codes: statement 1, usage 2, connection 3', () => {
    expect(cli(['--format', 'csv', '-e', 'RETURN 1 AS a; RETURN 2 AS b'])).toEqual({ status: 0, stdout: 'a\n1\nb\n2\n', stderr: '' });
    const wrong = cli(['-e', 'RETURN 1 AS a', '-e', 'MATCH (n RETURN n', '-e', 'CREATE (:Never)', '--format', 'plain']);
    expect([wrong.status, wrong.stdout]).toEqual([1, 'a\n1\n']);
    expect(wrong.stderr).toMatch(/^Neo\.ClientError\.Statement\.SyntaxError: .*line 1, column 10.*\n"MATCH \(n RETURN n"\n {10}\^/);
    expect(cli(['--format', 'csv', '--keep_going', '-e', 'RETURN x', '-e', 'RETURN 2 AS b'])).toMatchObject({ status: 1, stdout: 'b\n2\n' });
    expect(cli(['--nonsense'])).toMatchObject({ status: 2, stderr: expect.stringContaining('nonsense') as string });
    expect(cli(['RETURN 1'])).toMatchObject({ status: 2 });
    expect(cli(['-f', join(directory, 'absent')])).toMatchObject({ status: 2 });
    expect(cli(['-p', 'wrong', '-e', 'RETURN 1'])).toMatchObject({ status: 3, stderr: expect.stringContaining('Unauthorized') as string });
    expect(spawnSync(process.execPath, [CLI, '--uri', 'neo4j://127.0.0.1:1', '--wait_s', '0', '-e', 'RETURN 1'], { encoding: 'utf8' }).status).toBe(3);
  });

  it('runs files with commands, and says at which line one failed', () => {
    const file = join(directory, 'script.cypher');
    writeFileSync(file, ":param x {\"a\": [1, 9007199254740993]}\n:param day => date('2024-02-29')\n:format json\nRETURN $x AS x, $day AS day;\n\n// a comment; with a semicolon\nRETURN\n  oops;\n");
    const { status, stdout, stderr } = cli(['-f', file]);
    expect([status, stdout]).toEqual([1, '{"x":{"a":[1,9007199254740993]},"day":"2024-02-29"}\n']);
    expect(stderr).toContain(`${file}, line 6: Neo.ClientError.Statement.SyntaxError`);
  });

  it('keeps transactions between statements', () => {
    const script = ':format csv\n:begin\nCREATE (:Undone);\n:rollback\n:begin\nCREATE (:Done);\n:commit\nMATCH (n:Undone) RETURN count(n) AS undone;\nMATCH (n:Done) RETURN count(n) AS done;\n:commit\n';
    expect(cli([], script)).toEqual({ status: 1, stdout: 'undone\n0\ndone\n1\n', stderr: 'standard input, line 10: no transaction is open; :begin opens one\n' });
  });

  it('streams a long result, and stops when its reader has gone', () => {
    const { status, stdout } = cli(['--format', 'csv', '-e', 'UNWIND range(1, 200000) AS i RETURN i']);
    expect([status, stdout.length]).toEqual([0, 'i\n'.length + Array.from({ length: 200_000 }, (_, i) => String(i + 1).length + 1).reduce((sum, length) => sum + length)]);
    const head = spawnSync('sh', ['-c', `"${process.execPath}" "${CLI}" --uri "${uri()}" --format plain -e 'UNWIND range(1, 5000000) AS i RETURN i' | head -n 2`], { encoding: 'utf8' });
    expect([head.stdout, head.stderr]).toEqual(['i\n1\n', '']);
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;
describe.skipIf(!hasScript)(`on a terminal${hasScript ? '' : ': skipped, there is no script(1) of util-linux here'}`, () => {
  it('completes, colours, edits, remembers and leaves', async () => {
    cli(['-e', 'CREATE (:Lighthouse {height: 61})-[:SHINES_ON]->(:Sea)']);
    const historyFile = join(directory, 'history');
    const child = spawn('script', ['-qec', `"${process.execPath}" "${CLI}" --uri "${uri()}" --history "${historyFile}" --color always --timing false`, '/dev/null'], { stdio: 'pipe', env: { ...process.env, TERM: 'xterm' } });
    const raw: string[] = [];
    child.stdout.on('data', (chunk: Buffer) => raw.push(chunk.toString()));
    const { until } = listen(child);
    const type = (keys: string): void => void child.stdin.write(keys);
    await until(/default> /);
    type('MATCH (n:Light\t');
    await until(/n:Lighthouse/);
    type(') RETURN n.hei\t');
    await until(/n\.height/);
    // Across lines, with a correction: backspace.
    type('\r');
    await until(/-> /);
    type('AS hX\u007f;\r');
    await until(/61 \|/);
    expect(raw.join('')).toContain('\u001b[34mMATCH\u001b[39m');
    type(':beg\t');
    await until(/:begin/);
    type('\r');
    await until(/default\*> /);
    type(':rollback\r');
    // Up twice: over the commands to the statement, on one line.
    await until(/default> [^*]*$/);
    type('\u001b[A\u001b[A\u001b[A');
    await until(/MATCH \(n:Lighthouse\) RETURN n\.height AS h;/);
    type('\u0003');
    await until(/\^C/);
    type('UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a + b < 0 RETURN a;\r');
    await eventually('the long statement runs', 20_000, () => Promise.resolve(cli(['--format', 'csv', '-e', 'CALL dbms.task.listTasks()']).stdout.includes('UNWIND range(1, 1000000)') || undefined));
    type('\u0003');
    await until(/interrupted/);
    type('exit\r');
    await new Promise((done) => child.once('exit', done));
    expect(child.exitCode).toBe(0);
    expect(readFileSync(historyFile, 'utf8').split('\n').slice(0, 3)).toEqual(['MATCH (n:Lighthouse) RETURN n.height AS h;', ':begin', ':rollback']);
  }, 90_000);
});

it('goes on when the leader is killed under it', async () => {
  const child = spawn(process.execPath, [CLI, '--uri', uri(), '--format', 'plain'], { stdio: 'pipe' });
  const { text, until } = listen(child);
  child.stdin.write("CREATE (:Kept {n: 1});\nRETURN 'before' AS x;\n");
  await until(/before/);
  const leader = await used.group.leader();
  await used.group.stop(leader, 'SIGKILL');
  // At once: nobody leads yet.
  child.stdin.write("MATCH (k:Kept) SET k.n = k.n + 1;\nMATCH (k:Kept) RETURN 'now ' + toString(k.n) AS x;\n");
  await until(/now 2/);
  child.stdin.end();
  await new Promise((done) => child.once('exit', done));
  expect([child.exitCode, text()]).toEqual([0, expect.not.stringContaining('Neo.')]);
  used.group.start(leader);
  await used.group.readyOne(leader, 60_000);
}, 120_000);
