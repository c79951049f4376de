/** Full-text queries: what they mean, against an evaluator that reads every text, and what is said of those that mean nothing. */
import { describe, expect, it } from 'vitest';
import { editDistance } from '../../src/base/suggest.ts';
import { seededRandom } from '../../src/base/random.ts';
import { execute, NO_PROCEDURES, prepare } from '../../src/cypher/engine.ts';
import type { ExecContext } from '../../src/cypher/engine.ts';
import { best, merge, union, unionAll } from '../../src/cypher/fulltext/hits.ts';
import { parseTextQuery } from '../../src/cypher/fulltext/query.ts';
import { matches } from '../../src/cypher/fulltext/search.ts';
import { findAnalyzer } from '../../src/graph/text/analyzer.ts';
import type { GraphView } from '../../src/graph/view.ts';
import type { Float, NodeValue, RelationshipValue, Value } from '../../src/value/value.ts';
import { LocalStore } from '../graph/fixture.ts';

const FIELDS = ['title', 'body'] as const;
type Document = Readonly<Record<(typeof FIELDS)[number], string | null>>;

function rowsOf(view: GraphView, text: string, parameters: Record<string, Value> = {}, more: Partial<ExecContext> = {}): Value[][] {
  const prepared = prepare(text, { catalog: view.catalog, procedures: NO_PROCEDURES });
  const execution = execute(prepared, {
    view, parameters: new Map(Object.entries(parameters)), procedures: NO_PROCEDURES, checkpoint: () => undefined, wallMs: 0, random: seededRandom(7), timeZone: 'Z', limits: {}, ...more,
  });
  return [...execution.rows()].flat();
}

const CALL = 'CALL db.index.fulltext.queryNodes($index, $query, $options) YIELD node, score RETURN node, score';

function search(view: GraphView, query: string, options: Record<string, Value> = {}, index = 'texts', more: Partial<ExecContext> = {}): { id: number; score: number }[] {
  return rowsOf(view, CALL, { index, query, options: new Map(Object.entries(options)) }, more).map(([node, score]) => ({ id: (node as NodeValue).id, score: (score as Float).value }));
}
const idsOf = (view: GraphView, query: string, options: Record<string, Value> = {}) => search(view, query, options).map(({ id }) => id).sort((a, b) => a - b);

async function storeOf(documents: readonly Document[], analyzer = 'standard'): Promise<LocalStore> {
  const store = await LocalStore.withGraph();
  await store.write((tx) => {
    const graph = tx.graph('default');
    graph.createText({ kind: 'vertex', name: 'texts', labels: ['T'], fields: FIELDS, analyzer });
    for (const document of documents) graph.createNode([graph.labelId('T')], FIELDS.map((field) => [graph.keyId(field), document[field]] as const));
  });
  return store;
}

async function withTexts<T>(texts: readonly string[], work: (view: GraphView) => T, analyzer?: string): Promise<T> {
  const store = await storeOf(texts.map((title) => ({ title, body: null })), analyzer);
  const point = store.reader.acquire();
  try {
    return work(point.view('default'));
  } finally {
    store.reader.release(point);
  }
}

// ---------------------------------------------------------------- the evaluator

type Query =
  | { kind: 'term' | 'prefix'; text: string; field: string | undefined }
  | { kind: 'phrase'; words: string[]; field: string | undefined }
  | { kind: 'similar'; text: string; distance: number; field: string | undefined }
  | { kind: 'and' | 'or'; parts: Query[] }
  | { kind: 'but'; part: Query; not: Query };

const WORDS = ['red', 'green', 'blue', 'deep', 'deeper', 'sea', 'seas', 'sky', '北京大学', '中国', '京', 'reed'];

function randomQuery(random: () => number, depth: number): Query {
  const word = () => WORDS[Math.floor(random() * WORDS.length)]!;
  const field = random() < 0.3 ? FIELDS[Math.floor(random() * 2)] : undefined;
  const kind = depth === 0 ? random() * 0.6 : random();
  if (kind < 0.3) return { kind: 'term', text: word(), field };
  if (kind < 0.4) return { kind: 'prefix', text: word().slice(0, 2), field };
  if (kind < 0.5) return { kind: 'phrase', words: [word(), word()], field };
  if (kind < 0.6) return { kind: 'similar', text: word(), distance: 1 + Math.floor(random() * 2), field };
  const part = () => randomQuery(random, depth - 1);
  if (kind < 0.75) return { kind: 'and', parts: [part(), part()] };
  if (kind < 0.9) return { kind: 'or', parts: [part(), part(), part()] };
  return { kind: 'but', part: part(), not: part() };
}

function textOf(query: Query): string {
  const lead = 'field' in query && query.field !== undefined ? `${query.field}:` : '';
  switch (query.kind) {
    case 'term': return lead + query.text;
    case 'prefix': return `${lead}${query.text}*`;
    case 'phrase': return `${lead}"${query.words.join(' ')}"`;
    case 'similar': return `${lead}${query.text}~${query.distance}`;
    case 'and': return `(${query.parts.map(textOf).join(' AND ')})`;
    case 'or': return `(${query.parts.map(textOf).join(' ')})`;
    case 'but': return `(${textOf(query.part)} -${textOf(query.not)})`;
  }
}

/** Whether a document has what is asked for, by its tokens alone. */
function has(document: Document, query: Query): boolean {
  const standard = findAnalyzer('standard');
  const inFields = (test: (tokens: string[]) => boolean) => FIELDS.some((field) => (
    ('field' in query ? query.field ?? field : field) === field && document[field] !== null && test(standard.tokens(document[field]))));
  const sideBySide = (text: string, prefix: boolean) => {
    const elements = standard.elements(text, prefix);
    return inFields((tokens) => tokens.some((_, at) => elements.every(({ token, offset, isPrefix }) => (isPrefix ? tokens[at + offset]?.startsWith(token) : tokens[at + offset] === token))));
  };
  switch (query.kind) {
    case 'term': return sideBySide(query.text, false);
    case 'prefix': return sideBySide(query.text, true);
    case 'phrase': return sideBySide(query.words.join(' '), false);
    case 'similar': return inFields((tokens) => tokens.some((token) => token === query.text
      || (Math.min(token.length, query.text.length) > query.distance && editDistance(token, query.text) <= query.distance)));
    case 'and': return query.parts.every((part) => has(document, part));
    case 'or': return query.parts.some((part) => has(document, part));
    case 'but': return has(document, query.part) && !has(document, query.not);
  }
}

/** BM25 of one token in one field, from the texts. */
function bm25(documents: readonly Document[], at: number, field: (typeof FIELDS)[number], token: string): number {
  const texts = documents.map((document) => findAnalyzer('standard').tokens(document[field] ?? '')).map((tokens) => ({ length: tokens.length, times: tokens.filter((one) => one === token).length }));
  const filled = texts.filter(({ length }) => length > 0);
  const having = texts.filter(({ times }) => times > 0).length;
  const { times, length } = texts[at]!;
  if (times === 0) return 0;
  const average = filled.reduce((sum, one) => sum + one.length, 0) / filled.length;
  return Math.log(1 + (filled.length - having + 0.5) / (having + 0.5)) * times / (times + 1.2 * (1 - 0.75 + 0.75 * length / average));
}

describe('a query', () => {
  it.each([11, 12, 13, 14])('finds what has it, whatever it is made of (seed %i)', async (seed) => {
    const generator = seededRandom(seed);
    const random = () => generator.next();
    const text = () => (random() < 0.1 ? null : Array.from({ length: Math.floor(random() * 9) }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' '));
    const documents = Array.from({ length: 120 }, () => ({ title: text(), body: text() }));
    const store = await storeOf(documents);
    const point = store.reader.acquire();
    const view = point.view('default');
    for (let n = 0; n < 150; n++) {
      const query = randomQuery(random, 3);
      const all = documents.flatMap((document, id) => (has(document, query) ? [id] : []));
      expect(idsOf(view, textOf(query)), textOf(query)).toEqual(all);
      const first = search(view, textOf(query), { skip: 2, limit: 3 });
      expect(first, textOf(query)).toEqual(search(view, textOf(query)).slice(2, 5));
    }
    store.reader.release(point);
  });

  it('ranks by BM25, added up over fields and words', async () => {
    const documents: Document[] = [
      { title: 'red sea', body: 'the red sea is red' }, { title: 'blue', body: null }, { title: 'red', body: 'nothing of the kind' }, { title: 'sea', body: 'blue sea' }, { title: null, body: 'red' },
    ];
    const store = await storeOf(documents);
    const point = store.reader.acquire();
    const scored = documents.map((_, id) => ({ id, score: FIELDS.reduce((sum, field) => sum + bm25(documents, id, field, 'red') + bm25(documents, id, field, 'sea'), 0) }))
      .filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
    const found = search(point.view('default'), 'red sea');
    expect(found.map(({ id }) => id)).toEqual(scored.map(({ id }) => id));
    for (const [i, { score }] of found.entries()) expect(score).toBeCloseTo(scored[i]!.score, 10);
    expect(search(point.view('default'), 'red^3 sea')[0]!.score).toBeGreaterThan(found[0]!.score);
    store.reader.release(point);
  });

  it('joins words as Lucene does', async () => {
    await withTexts(['a1 b1 c1', 'a1 b1', 'a1', 'b1 c1', 'c1'], (view) => {
      for (const [query, ids] of [
        ['a1 b1', [0, 1, 2, 3]], ['a1 AND b1', [0, 1]], ['a1 && b1', [0, 1]], ['+a1 b1', [0, 1, 2]], ['a1 -b1', [2]], ['a1 NOT b1', [2]], ['a1 !b1', [2]],
        ['a1 AND b1 OR c1', [0, 1, 3, 4]], ['(a1 OR c1) AND b1', [0, 1, 3]], ['a1 || c1', [0, 1, 2, 3, 4]], ['+a1 +b1 -c1', [1]], ['a1 AND NOT b1', [2]], ['*', [0, 1, 2, 3, 4]],
        ['*:* -a1', [3, 4]], ['title:(a1 -c1)', [1, 2]], ['body:a1', []], ['A1', [0, 1, 2]], ['a1-b1', [0, 1]], ['"b1 c1"', [0, 3]], ['"c1 b1"', []], ['?1', [0, 1, 2, 3, 4]], ['c*', [0, 3, 4]],
        ['and', []], ['   ', []], ['...', []], ['\\+a1', [0, 1, 2]], ['"\\"a1"', [0, 1, 2]],
      ] as const) expect(idsOf(view, query), query).toEqual(ids);
    });
  });

  it('finds Chinese, Japanese and Korean by any part', async () => {
    await withTexts(['北京大学是一所大学', '東京タワー', '서울대학교', 'iPhone手机壳', 'ไทย', '学'], (view) => {
      for (const [query, ids] of [
        ['大学', [0]], ['北京大学', [0]], ['京大', [0]], ['北大', []], ['学', [0, 5]], ['京', [0, 1]], ['タワー', [1]], ['ﾀﾜｰ', [1]], ['東京タワー', [1]], ['대학', [2]], ['手机', [3]], ['iphone手机', [3]],
        ['"iphone 手机"', [3]], ['手机 AND iphone', [3]], ['ทย', [4]], ['北京*', [0]],
      ] as const) expect(idsOf(view, query), query).toEqual(ids);
    });
  });

  it('finds similar words and wildcards', async () => {
    await withTexts(['database', 'databse', 'dataabse', 'date', 'caf\u00e9', 'cab'], (view) => {
      for (const [query, ids] of [
        ['database~1', [0, 1, 2]], ['database~', [0, 1, 2]], ['database~0', [0]], ['dat*e', [0, 1, 2, 3]], ['ca?', [5]], ['CAF?', [4]], ['caf?', [4]], ['*base', [0]], ['CAFÉ', [4]], ['cat~1', [5]], ['ca~2', []],
      ] as const) expect(idsOf(view, query), query).toEqual(ids);
    });
  });

  it('is analyzed as the index, or as it asks', async () => {
    await withTexts(['The cities', 'a city'], (view) => {
      expect(idsOf(view, 'city')).toEqual([0, 1]);
      expect(idsOf(view, 'the')).toEqual([]);
      expect(idsOf(view, 'Cities', { analyzer: 'whitespace' })).toEqual([]);
      expect(idsOf(view, 'city', { analyzer: 'keyword' })).toEqual([0, 1]);
    }, 'english');
    await withTexts(['New York', 'York'], (view) => {
      expect(idsOf(view, '"New York"')).toEqual([0]);
      expect(idsOf(view, 'York')).toEqual([1]);
      expect(idsOf(view, 'New\\ Y*')).toEqual([0]);
    }, 'keyword');
  });

  it.each([
    ['(a b', "column 1: this '(' is not closed"], ['a b)', "column 4: there is no '(' for this ')'"], ['a "b c', 'column 3: this " is not closed'], ['a AND', 'column 6: a word, "phrase" or (group) is missing'],
    ['AND a', 'column 1: AND joins two parts: one is missing here'], ['OR a', 'column 1: something must stand before OR'], ['a OR', 'column 5: something must follow OR'], ['a OR OR b', 'column 6: OR joins two parts: one is missing here'],
    ['()', 'column 2: there is nothing between the parentheses'], ['-a', 'column 1: every part is excluded'], ['a (-b)', 'column 4: every part is excluded'], ['a ^2', 'column 3: a word must stand before ^'],
    ['a^x', 'column 2: a number must follow ^'], ['a~3', 'column 2: ~3: similar words have 0, 1 or 2 letters that differ'], ['a*~1', 'column 3: ~ goes with a word without wildcards'], ['title:', 'column 7: a word, "phrase" or (group) must follow title:'],
    ['nope:x', 'column 1: the index texts has no field nope'], ['a:b:c', 'column 3'], [':a', 'column 1: a word must stand before :'], ['[a TO b]', 'column 1: [ would be a range, which is not supported'], ['"a b"~2', 'column 6: words near each other'],
    ['+-a', 'column 1: two signs stand before one part'], ['a +', 'column 4: something must follow +'], ['NOT', 'column 4: something must follow NOT'], ['('.repeat(101) + 'a', 'parentheses are deeper than 100'],
    [Array.from({ length: 1025 }, () => 'a').join(' '), 'a query has at most 1024 parts'],
  ])('says what is wrong with %s', async (query, message) => {
    await withTexts(['a'], (view) => expect(() => search(view, query)).toThrow(message));
  });

  it('of any characters is answered or refused, but never fails otherwise', async () => {
    const generator = seededRandom(5);
    const parts = ['a', 'b1', '(', ')', '"', '+', '-', '!', ' ', 'AND', 'OR', 'NOT', '*', '?', '~', '~1', '^', '^2', ':', 'title:', '\\', '&&', '||', '中', '[', '}', '\ud800'];
    await withTexts(['a b1', '中 a'], (view) => {
      for (let n = 0; n < 3000; n++) {
        const query = Array.from({ length: 1 + Math.floor(generator.next() * 9) }, () => parts[Math.floor(generator.next() * parts.length)]).join('');
        try {
          search(view, query);
        } catch (error) {
          expect((error as { detail?: string }).detail, `${query}: ${String(error)}`).toBe('FulltextQuery');
        }
      }
    });
  });
});

describe('a search', () => {
  it('sees what its transaction has changed, and not what it has deleted', async () => {
    const store = await storeOf([{ title: 'one red', body: null }, { title: 'two red', body: null }]);
    await store.write((tx) => {
      const view = tx.graph('default');
      rowsOf(view, "MATCH (n:T {title: 'one red'}) SET n.title = 'one blue'");
      rowsOf(view, "CREATE (:T {title: 'three red'})");
      expect(rowsOf(view, "MATCH (n:T {title: 'two red'}) DELETE n WITH count(*) AS c CALL db.index.fulltext.queryNodes('texts', 'red') YIELD node RETURN node.title")).toEqual([['three red']]);
      expect(rowsOf(view, "CALL db.index.fulltext.queryNodes('texts', 'red OR blue') YIELD node RETURN node.title ORDER BY node.title")).toEqual([['one blue'], ['three red']]);
    });
  });

  it('finds relationships', async () => {
    const store = await LocalStore.withGraph();
    await store.write((tx) => rowsOf(tx.graph('default'), "CREATE (a)-[:SAID {text: 'hello world'}]->(b)-[:WROTE {text: 'hello there'}]->(a)"));
    await store.write((tx) => rowsOf(tx.graph('default'), 'CREATE FULLTEXT INDEX said FOR ()-[r:SAID|WROTE]-() ON EACH [r.text]'));
    const point = store.reader.acquire();
    const found = rowsOf(point.view('default'), "CALL db.index.fulltext.queryRelationships('said', 'hello world') YIELD relationship, score RETURN relationship, score");
    expect(found.map(([one]) => (one as RelationshipValue).id)).toEqual([0, 1]);
    expect(() => search(point.view('default'), 'hello', {}, 'said')).toThrow('the full-text index said is over relationships');
    store.reader.release(point);
  });

  it('refuses options it does not know, and an index that is not there', async () => {
    await withTexts(['a'], (view) => {
      expect(() => search(view, 'a', { limt: 3 })).toThrow('unknown option limt of a full-text search');
      expect(() => search(view, 'a', { limit: -1 })).toThrow('limit of a full-text search is an integer from 0 on');
      expect(() => search(view, 'a', { analyzer: 'nope' })).toThrow('there is no full-text analyzer nope');
      expect(() => search(view, 'a', {}, 'text')).toThrow('there is no full-text index text');
      expect(search(view, 'a', { limit: 0 })).toEqual([]);
      expect(() => search(view, 'a', {}, 'texts', { fullText: { enabled: false, analyzer: 'standard' } })).toThrow('Fulltext index is not enabled');
    });
  });

  it('finds nothing by a field that the user may not read', async () => {
    const store = await storeOf([{ title: 'open word', body: 'secret word' }, { title: 'open', body: 'secret' }]);
    await store.write((tx) => rowsOf(tx.graph('default'), "CREATE (:T:Hidden {title: 'open word'})"));
    const point = store.reader.acquire();
    const view = point.view('default');
    const found = (query: string, mayRead: ExecContext['mayRead']) => search(view, query, {}, 'texts', mayRead === undefined ? {} : { mayRead }).map(({ id }) => id);
    expect(found('secret', undefined)).toEqual([1, 0]);
    const noBody = (kind: string, label: string, field: string) => !(kind === 'vertex' && label === 'T' && field === 'body');
    for (const query of ['secret', 'secr*', '"secret word"', 'secrte~', 's?cret', 'body:word']) expect(found(query, noBody), query).toEqual([]);
    expect(found('word', noBody)).toEqual([0, 2]);
    expect(found('word', (_kind, label) => label !== 'Hidden')).toEqual([0]);
    store.reader.release(point);
  });

  it('reads in an interruptible way', async () => {
    const texts = Array.from({ length: 2000 }, (_, i) => `common word${i}`);
    await withTexts(texts, (view) => {
      let rows = 0;
      search(view, 'common', {}, 'texts', { checkpoint: (more) => void (rows += more) });
      expect(rows).toBeGreaterThan(2000);
      expect(() => search(view, 'common', {}, 'texts', { limits: { memoryBytes: 50_000 } })).toThrow('the full-text search finds too much');
      expect(() => search(view, 'common', {}, 'texts', { checkpoint: () => { throw new Error('stop'); } })).toThrow('stop');
    });
  });
});

describe('lists of hits', () => {
  const list = (...ids: number[]) => ({ ids, scores: ids.map((id) => id / 10) });
  it('are joined, crossed and subtracted', () => {
    expect(union(list(1, 3), list(2, 3)).ids).toEqual([1, 2, 3]);
    expect(union(list(1, 3), list(2, 3)).scores[2]).toBeCloseTo(0.6);
    expect(unionAll([list(5), list(1), list(3), list(1)]).ids).toEqual([1, 3, 5]);
    expect(merge(list(1, 2, 3, 9), list(2, 4, 9), 'common').ids).toEqual([2, 9]);
    expect(merge(list(1, 2, 3, 9), list(2, 4, 9), 'others').ids).toEqual([1, 3]);
    expect(merge(list(1, 2), list(2), 'all').scores).toEqual([0.1, 0.4]);
  });
  it('give their best in order, however many are wanted', () => {
    const generator = seededRandom(3);
    const hits = { ids: Array.from({ length: 200 }, (_, i) => i), scores: Array.from({ length: 200 }, () => Math.floor(generator.next() * 10)) };
    const all = best(hits, 1000);
    expect(all.map(({ score }) => score)).toEqual([...hits.scores].sort((a, b) => b - a));
    for (const count of [0, 1, 7, 199, 200]) expect(best(hits, count)).toEqual(all.slice(0, count));
  });
  it('match wildcards', () => {
    const parts = (text: string) => { const query = parseTextQuery(text)!; return query.kind === 'pattern' ? query.parts : []; };
    for (const [token, pattern, is] of [['abc', 'a*c', true], ['abc', '?b*', true], ['abc', '*d*', false], ['ac', 'a?c', false], ['a', '*a*?', false], ['aXbXc', 'a*b*c', true]] as const) expect(matches(token, parts(pattern)), pattern).toBe(is);
  });
});
