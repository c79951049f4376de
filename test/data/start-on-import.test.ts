/** Data that was imported offline is what servers start on: alone, and as a new group. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';
import { run, start, writePeople } from './tools.ts';

let directory: string;
let group: LocalGroup | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-import-'));
});
afterEach(async () => {
  await group?.stopAll('SIGKILL');
  group = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const login = (address: string) => RestClient.login(address, 'admin', '73@TuGraph');

describe('servers on an imported directory', () => {
  it('one alone answers and takes writes', async () => {
    const config = writePeople(directory, 100, 1000);
    group = await LocalGroup.create({ size: 1, standalone: true, directory, basePort: 24_100 });
    const [server] = group.servers;
    const imported = await run('lgraph_import', ['-c', config, '-d', join(server!.directory, 'data')]);
    expect(imported).toMatchObject({ code: 0, err: '', out: expect.stringContaining('imported 100 vertices and 1000 edges') as string });
    group.startAll();
    await group.ready();
    const client = await login(server!.restAddress);
    const rows = async (text: string) => (await client.cypher(server!.restAddress, text)).rows;
    expect(await rows('MATCH (a:Person {id: 3})-[r:knows]->(b) RETURN count(r), min(r.since), max(b.id)')).toEqual([[10, 3, 22]]);
    expect(await rows('MATCH (a:Person {name: \'person "5"\'}) RETURN a.id, toString(a.born)')).toEqual([[5, '1915-01-01']]);
    await rows('MATCH (a:Person {id: 3}), (b:Person {id: 4}) CREATE (a)-[:knows {since: 5000}]->(b)-[:knows {since: 5001}]->(:Person {id: 100, name: \'new\'})');
    expect(await rows('MATCH (:Person {id: 4})<-[r:knows]-() RETURN max(r.since)')).toEqual([[5000]]);
    expect(await rows('MATCH (n:Person) RETURN count(n)')).toEqual([[101]]);
  });

  it('three, one of which brings the data', async () => {
    const config = writePeople(directory, 2000, 20_000);
    group = await LocalGroup.create({ size: 3, directory, basePort: 24_130 });
    const [first, ...others] = group.servers;
    expect((await run('lgraph_import', ['-c', config, '-d', join(first!.directory, 'data')])).code).toBe(0);
    group.start(first!, ['--ha_bootstrap_role', '1']);
    for (const server of others) group.start(server, ['--ha_bootstrap_role', '2']);
    await group.ready(60_000);
    const client = await login(first!.restAddress);
    await client.cypher((await group.leader()).restAddress, 'CREATE (:Person {id: 2000, name: \'late\'})');
    const sums = await eventually('all servers at one state', 20_000, async () => {
      const all = await Promise.all(group!.servers.map(async ({ restAddress }) => [
        (await client.cypher(restAddress, 'MATCH (n:Person) RETURN count(n)')).rows[0]![0], (await client.cypher(restAddress, 'MATCH ()-[r:knows]->() RETURN count(r)')).rows[0]![0],
        (await client.cypher(restAddress, 'CALL dbms.ha.checksum()')).rows[0]!.at(-1),
      ]));
      return new Set(all.map(String)).size === 1 ? all[0] : undefined;
    });
    expect(sums?.slice(0, 2)).toEqual([2001, 20_000]);
  });
});

describe('an import that is killed', () => {
  it('leaves no directory, and a repetition gives all of it', async () => {
    const config = writePeople(directory, 20_000, 300_000);
    const target = join(directory, 'db');
    let wasKilledHalfWay = 0;
    for (const delayMs of [0, 50, 150]) {
      const { child, outcome } = start('lgraph_import', ['-c', config, '-d', target, '--progress', 'json']);
      // Not before it has begun to write, however slow this machine is.
      await eventually('the import has begun', 30_000, async () => existsSync(join(`${target}.importing`, 'scratch')) || existsSync(target) || child.exitCode !== null);
      await sleep(delayMs);
      child.kill('SIGKILL');
      if ((await outcome).code === 0) break;
      expect(existsSync(target)).toBe(false);
      wasKilledHalfWay++;
    }
    expect(wasKilledHalfWay).toBeGreaterThan(0);
    const last = await run('lgraph_import', ['-c', config, '-d', target, '--delete_if_exists', 'true']);
    expect(last).toMatchObject({ code: 0, out: expect.stringContaining('imported 20000 vertices and 300000 edges') as string });
    expect(readdirSync(directory).filter((name) => name.startsWith('db'))).toEqual(['db']);
    expect(readdirSync(target)).toEqual(['store']);
  }, 120_000);
});
