/**
 * Plans of LDBC SNB Interactive's queries on a small graph of its shape, made here. The texts are read from the shared folder, as the TCK is;
 * the plans are kept in test/golden/ldbc-plans.txt: who changes the planner sees what it does to them. UPDATE=1 writes them.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, planText, prepare } from '../../src/cypher/engine.ts';
import type { GraphWriter } from '../../src/graph/view.ts';
import type { Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';
import { SHARED } from './tck/features.ts';

const QUERIES = resolve(SHARED, 'ldbc/queries');
const GOLDEN = resolve(import.meta.dirname, '../golden/ldbc-plans.txt');

const INDEXES = ['Person', 'City', 'Country', 'Tag', 'TagClass', 'Forum', 'Message', 'Post', 'Comment', 'University', 'Company'].map((label) => `CREATE INDEX FOR (n:${label}) ON (n.id)`);

/** Sixty persons with what belongs to them: enough that counts differ as they do in the benchmark's data. */
const DATA = [
  "UNWIND range(0, 5) AS i CREATE (:Place:Country {id: i, name: 'country' + i})",
  "UNWIND range(0, 19) AS i MATCH (c:Country {id: i % 6}) CREATE (:Place:City {id: 100 + i, name: 'city' + i})-[:IS_PART_OF]->(c)",
  "UNWIND range(0, 4) AS i CREATE (:TagClass {id: i, name: 'class' + i})",
  'UNWIND range(1, 4) AS i MATCH (a:TagClass {id: i}), (b:TagClass {id: i / 2}) CREATE (a)-[:IS_SUBCLASS_OF]->(b)',
  "UNWIND range(0, 39) AS i MATCH (c:TagClass {id: i % 5}) CREATE (:Tag {id: i, name: 'tag' + i})-[:HAS_TYPE]->(c)",
  "UNWIND range(0, 9) AS i MATCH (c:City {id: 100 + i}) CREATE (:Organisation:University {id: i, name: 'university' + i})-[:IS_LOCATED_IN]->(c)",
  "UNWIND range(10, 29) AS i MATCH (c:Country {id: i % 6}) CREATE (:Organisation:Company {id: i, name: 'company' + i})-[:IS_LOCATED_IN]->(c)",
  `UNWIND range(0, 59) AS i MATCH (c:City {id: 100 + i % 20})
   CREATE (:Person {id: i, firstName: 'first' + i % 15, lastName: 'last' + i, birthday: i * 1000000, creationDate: i * 1000, gender: 'x', browserUsed: 'b', locationIP: 'ip'})-[:IS_LOCATED_IN]->(c)`,
  'UNWIND range(0, 59) AS i UNWIND [1, 2, 5, 11, 17] AS d MATCH (a:Person {id: i}), (b:Person {id: (i + d) % 60}) CREATE (a)-[:KNOWS {creationDate: i * 100 + d}]->(b)',
  'UNWIND range(0, 59) AS i UNWIND [0, 7, 13] AS d MATCH (a:Person {id: i}), (t:Tag {id: (i + d) % 40}) CREATE (a)-[:HAS_INTEREST]->(t)',
  'UNWIND range(0, 59) AS i MATCH (a:Person {id: i}), (u:University {id: i % 10}), (c:Company {id: 10 + i % 20}) CREATE (a)-[:STUDY_AT {classYear: 2000 + i % 9}]->(u), (a)-[:WORK_AT {workFrom: 2005 + i % 9}]->(c)',
  "UNWIND range(0, 24) AS i MATCH (p:Person {id: i * 2}) CREATE (f:Forum {id: i, title: 'forum' + i, creationDate: i})-[:HAS_MODERATOR]->(p)",
  'UNWIND range(0, 24) AS i UNWIND range(0, 8) AS d MATCH (f:Forum {id: i}), (p:Person {id: (i * 2 + d * 3) % 60}) CREATE (f)-[:HAS_MEMBER {joinDate: i * 10 + d}]->(p)',
  `UNWIND range(0, 149) AS i MATCH (p:Person {id: i % 60}), (f:Forum {id: i % 25}), (c:Country {id: i % 6}), (t:Tag {id: i % 40})
   CREATE (m:Message:Post {id: i, content: 'post' + i, creationDate: i * 50, length: i, imageFile: null}), (m)-[:HAS_CREATOR]->(p), (f)-[:CONTAINER_OF]->(m), (m)-[:IS_LOCATED_IN]->(c), (m)-[:HAS_TAG]->(t)`,
  `UNWIND range(200, 599) AS i MATCH (p:Person {id: i % 60}), (o:Message {id: CASE WHEN i % 3 = 0 AND i > 300 THEN i - 100 ELSE i % 150 END}), (c:Country {id: i % 6}), (t:Tag {id: i % 40})
   CREATE (m:Message:Comment {id: i, content: 'comment' + i, creationDate: i * 50, length: i}), (m)-[:HAS_CREATOR]->(p), (m)-[:REPLY_OF]->(o), (m)-[:IS_LOCATED_IN]->(c), (m)-[:HAS_TAG]->(t)`,
  'UNWIND range(0, 59) AS i UNWIND range(0, 9) AS d MATCH (p:Person {id: i}), (m:Post {id: (i * 7 + d * 13) % 150}) CREATE (p)-[:LIKES {creationDate: i * 10 + d}]->(m)',
];

function run(text: string, view: GraphWriter): Value[][] {
  const query = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const execution = execute(query, {
    view, parameters: new Map(), procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 1_600_000_000_000, random: seededRandom(7), timeZone: 'Z', limits: {},
  });
  const rows = [...execution.rows()].flat();
  return text.startsWith('EXPLAIN') ? [[planText(execution.plan!)]] : rows;
}

/** The texts that keep to openCypher where there are such, LDBC's own else. */
function textOf(file: string): string {
  const portable = resolve(QUERIES, 'portable', file);
  return readFileSync(existsSync(portable) ? portable : resolve(QUERIES, 'original', file), 'utf8');
}

const number = (file: string): string => file.replace(/\d+/, (digits) => digits.padStart(2, '0'));

it.skipIf(!existsSync(QUERIES))('plans the queries of LDBC SNB as before (skipped where the shared folder is absent)', async () => {
  const store = await LocalStore.withGraph();
  for (const text of [...INDEXES, ...DATA]) await store.write((tx) => run(text, tx.graph('default')));
  const view = store.begin().graph('default');
  const plans: string[] = [];
  for (const file of readdirSync(resolve(QUERIES, 'original')).sort((a, b) => (number(a) < number(b) ? -1 : 1))) {
    const statements = textOf(file).split(/;[ \t]*$/m).filter((text) => text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '').trim() !== '');
    for (const [i, text] of statements.entries()) {
      const name = file.replace('.cypher', '') + (statements.length === 1 ? '' : ` ${i + 1}`);
      plans.push(`## ${name}\n${String(run(`EXPLAIN ${text}`, view)[0]![0])}`);
    }
  }
  expect(plans.length).toBeGreaterThanOrEqual(29);
  const text = `${plans.join('\n')}`;
  if (process.env.UPDATE === '1') writeFileSync(GOLDEN, text);
  expect(text).toBe(readFileSync(GOLDEN, 'utf8'));
}, 60_000);
