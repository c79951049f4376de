import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DbError } from '../../src/base/errors.ts';
import { checkTogether, exampleFile, helpText, loadConfig, printedConfig } from '../../src/server/config.ts';
import { OPTIONS } from '../../src/server/options.ts';

const files: Record<string, string> = {
  '/c.json': '{"port": 7001, "enable_ha": true, "ha_conf": "a:1,b:2", "is_cypher_v2": true}',
  '/typo.json': '{"ha_cnof": "a:1"}',
  '/broken.json': '{"port": 70',
  '/tugraph.json': '{"ssl_auth": false, "server_cert": "/x", "enable_backup_log": 0, "idle_seconds": 600, "host": "10.0.0.1"}',
  '/binlog.json': '{"enable_backup_log": true}',
  '/secret': 'from a file\n',
  '/marked.json': '\ufeff{"port": 7002}',
};
const read = (path: string) => {
  const text = files[path];
  if (text === undefined) throw new Error('no such file');
  return text;
};
const load = (argv: string[], environment: NodeJS.ProcessEnv = {}) => loadConfig(argv, environment, read);
const failure = (run: () => unknown): DbError => {
  try {
    run();
  } catch (error) {
    return error as DbError;
  }
  throw new Error('it did not fail');
};

describe('the configuration', () => {
  it('takes an IPv6 address with the brackets that it has in a list', () => {
    expect(load(['--host', '[fd00::1]', '--advertised_host', '[fd00::2]']).config).toMatchObject({ host: 'fd00::1', advertised_host: 'fd00::2' });
    expect(load(['--host', '[::]']).config.host).toBe('::');
  });

  it('takes a flag before the environment before the file before the default, and knows where each came from', () => {
    const loaded = load(['-c', '/c.json', '--port', '7003'], { LGRAPH_PORT: '7002', LGRAPH_RPC_PORT: '9002' });
    expect(loaded.config.port).toBe(7003);
    expect(loaded.config.rpc_port).toBe(9002);
    expect(loaded.config.ha_conf).toBe('a:1,b:2');
    expect(loaded.config.bolt_port).toBe(7687);
    expect([...loaded.origins].filter(([name]) => ['port', 'rpc_port', 'ha_conf', 'bolt_port'].includes(name)).map(([, origin]) => origin))
      .toEqual(expect.arrayContaining(['flag', 'environment LGRAPH_RPC_PORT', 'file /c.json', 'default']));
  });

  it("takes TuGraph's spellings: one dash, integers for booleans, -v, -d, and its options that mean nothing here", () => {
    const loaded = load(['-c', '/c.json', '-port', '1', '-enable_ha', '0', '-v', '2', '-d', 'start']);
    expect(loaded.config).toMatchObject({ port: 1, enable_ha: false, verbose: 2 });
    expect(loaded.mode).toBe('start');
    expect(loaded.warnings[0]).toContain('is_cypher_v2');
  });

  it("reads a TuGraph file with what we lack switched off, and refuses it switched on", () => {
    expect(load(['-c', '/tugraph.json']).config.host).toBe('10.0.0.1');
    expect(failure(() => load(['-c', '/binlog.json'])).message).toContain('enable_backup_log (/binlog.json) cannot be switched on');
    expect(load(['--use_pthread', 'true']).warnings[0]).toContain('use_pthread');
  });

  it.each([
    [['--ha_cnf', 'a:1'], 'unknown flag --ha_cnf', 'did you mean ha_conf?'],
    [['-c', '/typo.json'], 'unknown key "ha_cnof" in /typo.json', 'did you mean ha_conf?'],
    [['-c', '/broken.json'], 'the configuration file /broken.json is not JSON', undefined],
    [['-c', '/none.json'], 'cannot read the configuration file /none.json', undefined],
    [['--port', '70000'], 'port (flag) is at most 65535, found 70000', undefined],
    [['--port', 'http'], 'port (flag) must be an integer, found "http"', undefined],
    [['--durable', 'maybe'], 'durable (flag) is true or false, found "maybe"', undefined],
    [['--mode', 'sideways'], '--mode is one of run, start, stop, restart', undefined],
    [['stray'], 'unexpected argument "stray"', undefined],
  ])('refuses %j', (argv, message, hint) => {
    const error = failure(() => load(argv));
    expect(error.code).toBe('InvalidConfig');
    expect(error.message).toContain(message);
    if (hint !== undefined) expect(error.hint).toBe(hint);
  });

  it('passes over a byte order mark', () => {
    expect(load(['-c', '/marked.json']).config.port).toBe(7002);
  });

  it('refuses an unknown variable, and reads secrets from files', () => {
    expect(failure(() => load([], { LGRAPH_PROT: '1' })).hint).toBe('did you mean port?');
    const loaded = load([], { LGRAPH_ADMIN_PASSWORD_FILE: '/secret' });
    expect(loaded.config.admin_password).toBe('from a file');
    expect(printedConfig(loaded)).toContain('admin_password');
    expect(printedConfig(loaded)).not.toContain('from a file');
  });

  it('refuses combinations that cannot work, with what to do', () => {
    const together = (argv: string[]) => failure(() => checkTogether(load(argv).config));
    expect(together(['--enable_ha', 'true', '--ha_conf', 'a:1']).message).toContain('IP_ANY (0.0.0.0)');
    expect(together(['--enable_ha', 'true', '--host', '10.0.0.1']).message).toContain('needs ha_conf');
    expect(together(['--enable_ha', 'true', '--host', '10.0.0.1', '--ha_conf', 'a,b']).message).toContain('"a" is not host:port');
    expect(together(['--enable_ha', 'true', '--single_node', 'true']).message).toContain('exclude each other');
    expect(together(['--port', '7000', '--bolt_port', '7000']).message).toBe('port and bolt_port are both 7000');
    expect(together(['--bolt_port', '9090', '--enable_rpc', 'true']).message).toBe('bolt_port and rpc_port are both 9090');
    expect(() => checkTogether(load(['--port', '0', '--bolt_port', '0']).config)).not.toThrow();
    expect(together(['--enable_ha', 'true', '--host', '10.0.0.1', '--ha_conf', 'a:1', '--ha_raft_heartbeat_ms', '400']).message).toContain('a third');
  });

  it('has every option in the help and in lgraph.json.example', () => {
    expect(readFileSync(resolve(import.meta.dirname, '../../lgraph.json.example'), 'utf8')).toBe(exampleFile());
    for (const { name } of OPTIONS) expect(helpText()).toContain(`--${name}`);
    const { config } = loadConfig(['-c', resolve(import.meta.dirname, '../../lgraph.json.example')], {});
    expect(config.port).toBe(7070);
  });
});
