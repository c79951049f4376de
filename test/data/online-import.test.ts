/** Import into running groups: repeated packages, killed imports and killed leaders never lose or double an element. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { eventually, RestClient } from '../../src/cli/rest-client.ts';
import { run, start, writePeople } from './tools.ts';

let directory: string;
let group: LocalGroup;
let client: RestClient;
const url = () => group.servers.map(({ restAddress }) => `http://${restAddress}`).join(',');
const rows = async (text: string, graph = 'default') => (await client.cypher((await group.leader()).restAddress, text, { graph })).rows;
const counts = async (graph: string) => [(await rows('MATCH (n:Person) RETURN count(n)', graph))[0]![0], (await rows('MATCH ()-[r:knows]->() RETURN count(r)', graph))[0]![0]];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-online-'));
  group = await LocalGroup.create({ size: 3, directory, basePort: 24_200 });
  group.startAll();
  await group.ready(60_000);
  client = await RestClient.login(group.servers[0]!.restAddress, 'admin', '73@TuGraph');
});
afterAll(async () => {
  await group.stopAll('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

describe('a package under an idempotency key', () => {
  it('is done once, and answered the second time as the first, on every server', async () => {
    await client.post(group.servers[0]!.restAddress, '/db', { name: 'keyed' });
    const { schema } = JSON.parse(readFileSync(writePeople(directory, 3, 3), 'utf8')) as { schema: unknown };
    const send = (server: number, path: string, body: unknown, key: string) => client.post(group.servers[server]!.restAddress, `/db/keyed/${path}`, body, 20_000, key);
    const description = (file: object) => JSON.stringify({ files: [{ format: 'CSV', ...file }] });
    const people = { description: description({ label: 'Person', columns: ['id', 'name'] }), data: '1,a\n2,"b\nc"\n' };
    const knows = { description: description({ label: 'knows', SRC_ID: 'Person', DST_ID: 'Person', columns: ['SRC_ID', 'DST_ID', 'since'] }), data: '1,2,7\n1,2,7\n' };
    for (const server of [0, 1, 2, 0]) {
      expect(await send(server, 'schema/text', { description: JSON.stringify({ schema }) }, 'schema')).toEqual({ log: 'Add vertex label:Person\nAdd edge label:knows' });
      expect(await send(server, 'import/text', people, 'people')).toEqual({ log: '2 imported, 0 skipped' });
      expect(await send(server, 'import/text', { ...knows, detail: true }, 'knows')).toEqual({ log: '2 imported, 0 skipped', imported: 2, rejected: [] });
    }
    await Promise.all([0, 1, 2, 0].map((server) => send(server, 'import/text', knows, 'at once')));
    expect(await counts('keyed')).toEqual([2, 4]);
    expect(await rows('MATCH (n:Person {id: 2}) RETURN n.name', 'keyed')).toEqual([['b\nc']]);
  });
});

describe('lgraph_import --online true', () => {
  const online = (config: string, graph: string, more: readonly string[] = []) => ['--online', 'true', '-r', url(), '-c', config, '-g', graph, '--package_bytes', '8000', ...more];

  it('makes graph and labels, and sends all rows', async () => {
    const config = writePeople(directory, 200, 500);
    expect(await run('lgraph_import', online(config, 'whole'))).toMatchObject({ code: 0, err: '', out: expect.stringContaining('imported 200 vertices and 500 edges') as string });
    expect(await counts('whole')).toEqual([200, 500]);
    expect(existsSync(`${config}.progress`)).toBe(false);
    expect(await rows("MATCH (n:Person {id: 4}) RETURN n.name, toString(n.born)", 'whole')).toEqual([['person "4"', '1914-01-01']]);
  });

  it('makes the indexes and constraints of the configuration as an offline import does, and only once', async () => {
    const path = writePeople(directory, 50, 50);
    const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const whole = join(directory, 'indexed.config');
    const write = (files: unknown) => writeFileSync(whole, JSON.stringify({
      ...config, files,
      schema: [...config.schema as unknown[], { label: 'Place', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }, { name: 'at', type: 'FLOAT_VECTOR', optional: true }] }],
      vector_indexes: [{ type: 'VERTEX', label: 'Place', field: 'at', index_type: 'hnsw', dimension: 3, distance_type: 'ip' }],
      indexes: [
        { type: 'VERTEX', label: 'Person', fields: ['name', 'born'] }, { type: 'VERTEX', label: 'Person', fields: ['born'], name: 'by_birth' }, { type: 'VERTEX', label: 'Person', fields: ['id', 'born'], unique: true },
        { type: 'EDGE', label: 'knows', fields: ['since'] }, { type: 'VERTEX', label: 'Free', fields: ['a', 'b'], name: 'free' },
      ],
      constraints: [
        { name: 'one_each', rule: 'unique', type: 'VERTEX', label: 'Person', fields: ['id', 'name'] }, { name: 'has_name', rule: 'exists', type: 'VERTEX', label: 'Person', fields: ['name'] },
        { name: 'whole_years', rule: 'type', type: 'EDGE', label: 'knows', fields: ['since'], property_type: 'INTEGER | FLOAT' },
        { name: 'free_key', rule: 'node_key', type: 'VERTEX', label: 'Free', fields: ['b', 'c'] },
      ],
    }));
    write(config.files);
    const shown = async (graph: string, ask = rows) => [
      (await ask('SHOW INDEXES YIELD name, entityType, labelsOrTypes, properties, owningConstraint RETURN name, entityType, labelsOrTypes, properties, owningConstraint ORDER BY name', graph)),
      (await ask('SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties RETURN name, type, labelsOrTypes, properties ORDER BY name', graph)), (await ask('CALL db.indexes()', graph)),
      (await ask('CALL db.showVertexVectorIndex()', graph)),
    ];
    const folder = join(directory, 'offline-indexed');
    expect(await run('lgraph_import', ['-c', whole, '-d', folder, '-g', 'default'])).toMatchObject({ code: 0, err: '' });
    const alone = await LocalGroup.create({ size: 1, standalone: true, directory: join(directory, 'alone'), basePort: 24_280, flags: ['--directory', folder] });
    try {
      alone.startAll();
      await alone.ready(60_000);
      const local = await RestClient.login(alone.servers[0]!.restAddress, 'admin', '73@TuGraph');
      const offline = await shown('default', async (text) => (await local.cypher(alone.servers[0]!.restAddress, text)).rows);
      expect(JSON.stringify(offline)).toMatch(/by_birth.*free_key.*one_each/);
      expect(offline[3]).toHaveLength(1);
      for (let round = 0; round < 2; round++) {
        // The rows are there the second time.
        if (round === 1) write([]);
        expect(await run('lgraph_import', online(whole, 'indexed'))).toMatchObject({ code: 0, err: '' });
        const made = await shown('indexed');
        expect(made.slice(0, 2)).toEqual(offline.slice(0, 2));
        expect(made[3]).toEqual(offline[3]);
        expect([...made[2]!].sort()).toEqual([...offline[2]!].sort());
      }
    } finally {
      await alone.stopAll('SIGKILL');
    }
  }, 120_000);

  it('names the line of the file, or writes it to the file of rejected rows', async () => {
    const config = writePeople(directory, 200, 500);
    writeFileSync(join(directory, 'knows.csv'), `${readFileSync(join(directory, 'knows.csv'), 'utf8')}\n1,9999,3\n1,2,many\n1,2,3\n`);
    const refused = await run('lgraph_import', online(config, 'refused'));
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/\[file: knows\.csv] \[label: knows] line 50[12]: .*many|line 501: Missing dst uid 9999/) as string });
    rmSync(`${config}.progress`);
    const goneOn = await run('lgraph_import', online(config, 'going_on', ['-i', 'true']));
    expect(goneOn).toMatchObject({ code: 0, out: expect.stringContaining('imported 200 vertices and 501 edges, left out 2 rows') as string });
    const rejected = readFileSync(`${config}.rejected.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { line: number; reason: string });
    expect(rejected.map(({ line }) => line).sort()).toEqual([501, 502]);
    expect(await counts('going_on')).toEqual([200, 501]);
  });

  it('does not begin anew over an import that was not finished', async () => {
    const config = writePeople(directory, 500, 6000);
    const knows = readFileSync(join(directory, 'knows.csv'), 'utf8');
    writeFileSync(join(directory, 'knows.csv'), `${knows}\n1,2,many\n`);
    expect(await run('lgraph_import', online(config, 'unfinished'))).toMatchObject({ code: 1, err: expect.stringContaining('many') as string });
    const [people, edges] = await counts('unfinished');
    expect(people).toBe(500);
    expect(edges).toBeGreaterThan(0);
    const progress = readFileSync(`${config}.progress`, 'utf8');
    // Set right, the file is another one: none of it may be added to what is there.
    writeFileSync(join(directory, 'knows.csv'), knows);
    expect(await run('lgraph_import', online(config, 'unfinished', ['-i', 'true']))).toMatchObject({ code: 1, err: expect.stringContaining('an import that was not finished') as string });
    expect(readFileSync(`${config}.progress`, 'utf8')).toBe(progress);
    expect(await counts('unfinished')).toEqual([people, edges]);
    expect(await run('lgraph_import', online(config, 'anew', ['--breakpoint_continue', 'false']))).toMatchObject({ code: 0 });
    expect(await counts('anew')).toEqual([500, 6000]);
  });

  it('goes on in the group and the graph where it began, and nowhere else', async () => {
    const config = writePeople(directory, 500, 6000);
    writeFileSync(join(directory, 'knows.csv'), `${readFileSync(join(directory, 'knows.csv'), 'utf8')}\n1,2,many\n`);
    expect(await run('lgraph_import', online(config, 'begun'))).toMatchObject({ code: 1, err: expect.stringContaining('many') as string });
    const progress = readFileSync(`${config}.progress`, 'utf8');
    const { group: own } = JSON.parse(progress) as { group: string };
    expect(own).not.toBe('');
    writeFileSync(`${config}.progress`, JSON.stringify({ ...JSON.parse(progress) as object, group: 'another' }));
    expect(await run('lgraph_import', online(config, 'begun'))).toMatchObject({ code: 1, err: expect.stringContaining(`into the group another; this is the group ${own}`) as string });
    writeFileSync(`${config}.progress`, progress);
    await rows("CALL dbms.graph.deleteGraph('begun')");
    for (let again = 0; again < 2; again++) {
      expect(await run('lgraph_import', online(config, 'begun'))).toMatchObject({ code: 1, err: expect.stringContaining('the graph "begun" is gone') as string });
    }
    expect(readFileSync(`${config}.progress`, 'utf8')).toBe(progress);
    rmSync(`${config}.progress`);
  });

  it('where nothing was imported, takes the file that was set right', async () => {
    const config = writePeople(directory, 3, 3);
    const people = readFileSync(join(directory, 'people.csv'), 'utf8');
    writeFileSync(join(directory, 'people.csv'), `${people}\nx,y\n`);
    expect(await run('lgraph_import', online(config, 'right'))).toMatchObject({ code: 1 });
    expect(existsSync(`${config}.progress`)).toBe(false);
    writeFileSync(join(directory, 'people.csv'), people);
    expect(await run('lgraph_import', online(config, 'right'))).toMatchObject({ code: 0 });
    expect(await counts('right')).toEqual([3, 3]);
  });

  it('killed half-way and started again, through the death of the leader, has everything once', async () => {
    const config = writePeople(directory, 1000, 12_000);
    for (let kill = 0; kill < 3; kill++) {
      const { child, outcome } = start('lgraph_import', online(config, 'killed'));
      const progress = () => (existsSync(`${config}.progress`) ? (JSON.parse(readFileSync(`${config}.progress`, 'utf8')) as { packages: number }).packages : 0);
      const from = progress();
      await eventually('some packages', 30_000, async () => progress() >= from + 3);
      child.kill('SIGKILL');
      await outcome;
    }
    expect((await counts('killed'))[0]).toBeGreaterThan(0);
    const leader = await group.leader();
    const last = start('lgraph_import', online(config, 'killed'));
    await eventually('it went on', 30_000, async () => ((await counts('killed'))[1] as number) > 1000);
    await group.stop(leader, 'SIGKILL');
    expect(await last.outcome).toMatchObject({ code: 0, out: expect.stringContaining('imported 1000 vertices and 12000 edges') as string });
    expect(await counts('killed')).toEqual([1000, 12_000]);
    expect((await rows('MATCH ()-[r:knows]->() RETURN count(DISTINCT r.since)', 'killed'))[0]).toEqual([12_000]);
    group.start(leader);
    await group.ready(60_000);
  }, 120_000);
});
