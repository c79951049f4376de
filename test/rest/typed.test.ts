import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from './rest-server.ts';

describe('POST /cypher for clients that draw', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start(26_900);
  });
  afterAll(() => server.stop());

  async function ask(script: string, more: object = {}): Promise<{ status: number; type: string | null; text: string }> {
    const response = await fetch(`http://127.0.0.1:${server.port}/cypher`, {
      method: 'POST', headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', accept: 'application/vnd.lgraph+json' },
      body: JSON.stringify({ script, ...more }),
    });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  }
  const json = async (script: string, more: object = {}) => JSON.parse((await ask(script, more)).text) as Record<string, unknown>;

  it('says what each value is, with exact numbers, and tells elements from maps', async () => {
    const { status, type, text } = await ask("CREATE p = (:A {n: 9007199254740993, f: 1.0})-[:R {d: date('2020-01-02')}]->(:B) WITH p, nodes(p) AS both RETURN p, both[1] AS b, {`$type`: 'node', x: 1} AS map, null AS nothing");
    expect(status).toBe(200);
    expect(type).toContain('application/vnd.lgraph+json');
    expect(text).toContain('"n":9007199254740993,"f":1.0');
    const { columns, rows, size, truncated, stats } = JSON.parse(text) as { columns: unknown; rows: unknown[][]; size: number; truncated: boolean; stats: Record<string, number> };
    expect(columns).toEqual(['p', 'b', 'map', 'nothing']);
    expect(rows[0]).toMatchObject([
      { $type: 'path', nodes: [{ $type: 'node', labels: ['A'] }, { labels: ['B'], properties: {} }], relationships: [{ $type: 'relationship', type: 'R', properties: { d: '2020-01-02' } }] },
      { $type: 'node', labels: ['B'] }, { $type: 'map', entries: [['$type', 'node'], ['x', 1]] }, null,
    ]);
    expect({ size, truncated, nodes: stats.nodesCreated }).toEqual({ size: 1, truncated: false, nodes: 2 });
  });

  it('stops at max_rows, and says whether there was more', async () => {
    for (const [limit, size, truncated] of [[3, 3, true], [9, 9, true], [10, 10, false], [11, 10, false]] as const) {
      expect(await json('UNWIND range(1, 10) AS i RETURN i', { max_rows: limit })).toMatchObject({ size, truncated, rows: Array.from({ length: size }, (_, i) => [i + 1]) });
    }
    expect(await json('UNWIND range(1, 200000) AS i RETURN i', { max_rows: 15_000 })).toMatchObject({ size: 15_000, truncated: true });
    expect(await json('UNWIND [] AS i RETURN i', { max_rows: 1 })).toMatchObject({ size: 0, rows: [], truncated: false });
    expect((await ask('RETURN 1', { max_rows: 0 })).status).toBe(400);
    // The rows of a write are made before it is committed, and come whole.
    expect(await json('UNWIND range(1, 20) AS i CREATE (n:Many) RETURN n', { max_rows: 2 })).toMatchObject({ size: 20, truncated: false });
    expect(await json('MATCH (n:Many) RETURN count(n)')).toMatchObject({ rows: [[20]] });
  });

  it('has the plan of EXPLAIN and PROFILE', async () => {
    expect(await json('EXPLAIN MATCH (a:A) RETURN a.n')).toMatchObject({ mode: 'explain', columns: ['@plan'], plan: { operator: 'Project', children: [{ operator: 'Node By Label Scan' }] } });
    const { plan, rows } = await json('PROFILE MATCH (a:A) RETURN 1 AS one') as { plan: { rows: number }; rows: unknown[] };
    expect(rows).toEqual([[1]]);
    expect(plan.rows).toBe(1);
  });
});
