/** Full-text search in a group of real servers: imported, searched everywhere, by whom it may be, after a death and a restart. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';
import { run } from '../data/tools.ts';
import { useGroup } from './use-group.ts';

const used = useGroup({ basePort: 24_560, flags: ['--fulltext_analyzer', 'EnglishAnalyzer'] });
const login = (user = 'admin', password = '73@TuGraph') => RestClient.login(used.group.servers[0]!.restAddress, user, password);
const QUERY = 'CALL db.index.fulltext.queryNodes($index, $query) YIELD node, score RETURN node.id, score';

/** What every server finds, which must be the same to the last digit of the score. */
async function everywhere(client: RestClient, index: string, query: string): Promise<unknown[]> {
  const answers = await Promise.all(used.group.servers.map(async ({ restAddress }) => (await client.cypher(restAddress, QUERY, { parameters: { index, query } })).rows));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  return answers[0]!.map(([id]) => id);
}

describe('full-text search', () => {
  it('finds what lgraph_import --online has sent, on every server', async () => {
    const { directory, group } = used;
    const config = join(directory, 'papers.json');
    writeFileSync(join(directory, 'papers.csv'), Array.from({ length: 300 }, (_, i) => `${i},paper ${i} about graphs,${i % 2 === 0 ? '图数据库' : 'secret words'}`).join('\n'));
    writeFileSync(config, JSON.stringify({
      schema: [{ label: 'Paper', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }, { name: 'title', type: 'STRING', fulltext: true }, { name: 'body', type: 'STRING', optional: true }] }],
      fulltext_indexes: [{ type: 'VERTEX', name: 'papers', labels: ['Paper'], fields: ['title', 'body'], analyzer: 'standard' }],
      files: [{ path: 'papers.csv', format: 'CSV', label: 'Paper', columns: ['id', 'title', 'body'] }],
    }));
    const url = group.servers.map(({ restAddress }) => `http://${restAddress}`).join(',');
    expect(await run('lgraph_import', ['--online', 'true', '-r', url, '-c', config, '--package_bytes', '4000'])).toMatchObject({ code: 0, err: '' });
    const client = await login();
    await client.cypher((await group.leader()).restAddress, 'MATCH (n:Paper {id: 7}) SET n.title = "rare graph"');
    // The field's own index has the configured analyzer, for which graphs are a graph.
    expect(await everywhere(client, 'Paper_title_fulltext', 'graph AND rare')).toEqual([7]);
    expect(await everywhere(client, 'papers', 'graph')).toEqual([7]);
    expect((await everywhere(client, 'papers', '数据库')).length).toBe(150);
    expect(await everywhere(client, 'papers', '"paper 12 about"')).toEqual([12]);
    await expect(client.cypher(group.servers[1]!.restAddress, QUERY, { parameters: { index: 'papers', query: 'a AND' } })).rejects.toMatchObject({ status: 400, code: 'ArgumentError' });
  });

  it('finds nothing by a field that a role hides, and nothing at all for strangers', async () => {
    const { group } = used;
    const admin = await login();
    const leader = (await group.leader()).restAddress;
    for (const statement of [
      "CALL dbms.security.createUser('reader', 'password1')", "CALL dbms.security.createUser('stranger', 'password1')", "CALL dbms.security.createRole('papers', '')",
      "CALL dbms.security.modRoleAccessLevel('papers', {default: 'READ'})", "CALL dbms.security.modRoleFieldAccessLevel('papers', 'default', 'Paper', 'body', 'VERTEX', 'NONE')",
      "CALL dbms.security.addUserRoles('reader', ['papers'])",
    ]) await admin.cypher(leader, statement);
    const reader = await login('reader', 'password1');
    reader.version = admin.version;
    expect(await everywhere(reader, 'papers', 'secret OR "secret words" OR secr*')).toEqual([]);
    expect((await everywhere(reader, 'papers', 'secret paper')).length).toBe(299);
    await expect(reader.cypher(leader, 'DROP INDEX papers')).rejects.toMatchObject({ status: 403 });
    const stranger = await login('stranger', 'password1');
    await expect(stranger.cypher(leader, QUERY, { parameters: { index: 'papers', query: 'paper' } })).rejects.toMatchObject({ status: 403 });
  });

  it('outlives its leader, and finds the same after a restart; a search under way when its index goes ends as it began', async () => {
    const { group } = used;
    const client = await login();
    const dead = await group.leader();
    const before = await everywhere(client, 'papers', 'graphs OR 数据库');
    await group.stop(dead, 'SIGKILL');
    const leader = await eventually('another leader', 20_000, async () => {
      const now = await group.leader();
      return now === dead ? undefined : now;
    });
    await client.cypher(leader.restAddress, 'CREATE (:Paper {id: 1000, title: "late graphs", body: "x"})');
    group.start(dead);
    await group.ready(60_000);
    expect((await everywhere(client, 'papers', 'graphs OR 数据库')).length).toBe(before.length + 1);
    const many = client.cypher(leader.restAddress, 'UNWIND range(1, 300) AS i CALL db.index.fulltext.queryNodes("papers", "graphs") YIELD node RETURN count(node)');
    const dropped = client.cypher((await group.leader()).restAddress, 'DROP INDEX papers');
    await dropped;
    const found = await many.then(({ rows }) => rows[0]![0], (error: { code: string }) => error.code);
    expect([300 * 300, 'IndexNotFound']).toContain(found);
    await expect(client.cypher(leader.restAddress, QUERY, { parameters: { index: 'papers', query: 'a' } })).rejects.toMatchObject({ code: 'IndexNotFound' });
    const sums = await eventually('all servers at one state', 20_000, async () => {
      const all = await Promise.all(group.servers.map(async ({ restAddress }) => (await client.cypher(restAddress, 'CALL dbms.ha.checksum()')).rows[0]!.at(-1)));
      return new Set(all).size === 1 ? all : undefined;
    });
    expect(sums).toHaveLength(3);
  });
});
