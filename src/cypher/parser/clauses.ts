/**
 * Clauses, and queries made of them.
 */
import type {
  CallClause, CallSubqueryClause, Clause, Expression, ForeachClause, InTransactions, LoadCsvClause, MatchClause, MergeClause, Hint, PatternPart, Projection,
  ProjectionItem, Query, ReturnClause, SingleQuery, SortItem, WithClause, YieldItem,
} from '../ast.ts';
import { CLAUSE_KEYWORDS, type Cursor } from './cursor.ts';
import { parseExpression } from './expressions.ts';
import { parsePatternList, parsePatternPart } from './patterns.ts';
import { NEXT_AND_UNION, refusedClause } from './refused-words.ts';
import { parseDelete, parseRemove, parseSetItems } from './update-clauses.ts';

/** A query inside braces: up to the closing brace. */
export function parseSubquery(c: Cursor): Query {
  return c.nested(() => parseQuery(c));
}

export function parseQuery(c: Cursor): Query {
  const start = c.token.start;
  const parts = [parseSingleQuery(c)];
  const unionAll: boolean[] = [];
  while (c.takeWord('UNION')) {
    unionAll.push(c.takeWord('ALL'));
    c.takeWord('DISTINCT');
    parts.push(parseSingleQuery(c));
  }
  // Which of the queries around a UNION it would stand between is a matter of brackets.
  const next = unionAll.length === 0 ? undefined : parts.flatMap(({ clauses }) => clauses).find((clause) => clause.kind === 'With' && clause.isNext);
  if (next !== undefined) throw c.error(NEXT_AND_UNION.message, 'UnexpectedSyntax', next.start, NEXT_AND_UNION.hint);
  return { kind: 'Query', parts, unionAll, start, end: c.lastEnd };
}

function parseSingleQuery(c: Cursor): SingleQuery {
  const start = c.token.start;
  const clauses: Clause[] = [];
  for (;;) {
    const clause = parseClause(c);
    if (clause === undefined) break;
    clauses.push(clause.kind === 'Return' && c.takeWord('NEXT') ? passedOn(c, clause) : clause);
  }
  if (clauses.length === 0) throw refusedClause(c) ?? c.expected('a clause', CLAUSE_KEYWORDS);
  return { clauses, start, end: c.lastEnd };
}

/** `RETURN … NEXT`: what a query returns is what the next one begins with, as behind WITH. */
function passedOn(c: Cursor, { projection, start, end }: ReturnClause): WithClause {
  // Nothing of a query is behind NEXT: it is refused by what is expected here.
  if (c.token.type === 'end' || c.isPunct('}')) throw c.expected('a query', CLAUSE_KEYWORDS);
  return { kind: 'With', projection: { ...projection, items: projection.items.map((item) => ({ ...item, alias: item.name })) }, where: undefined, isNext: true, start, end };
}

/** The clause at the cursor, or undefined where none begins. */
export function parseClause(c: Cursor): Clause | undefined {
  const start = c.token.start;
  if (c.token.type !== 'word') return undefined;
  switch (c.token.key) {
    case 'MATCH':
      c.at++;
      return parseMatch(c, start, false);
    case 'OPTIONAL':
      c.at++;
      if (c.takeWord('MATCH')) return parseMatch(c, start, true);
      if (c.takeWord('CALL')) return parseCall(c, start, true);
      throw c.expected('MATCH or CALL', ['MATCH', 'CALL']);
    case 'UNWIND': {
      c.at++;
      const list = parseExpression(c);
      c.expectWord('AS');
      const variable = c.expectName('a variable');
      return { kind: 'Unwind', list, variable, start, end: c.lastEnd };
    }
    case 'WITH': {
      c.at++;
      const projection = parseProjection(c);
      const where = c.takeWord('WHERE') ? parseExpression(c) : undefined;
      return { kind: 'With', projection, where, start, end: c.lastEnd };
    }
    case 'FILTER': {
      c.at++;
      c.takeWord('WHERE');
      return withAll({}, parseExpression(c), c, start);
    }
    case 'LET':
      c.at++;
      return withAll({ items: parseAssignments(c) }, undefined, c, start);
    case 'ORDER':
    case 'SKIP':
    case 'OFFSET':
    case 'LIMIT':
      return withAll(parseOrderAndBounds(c), undefined, c, start);
    case 'FINISH':
      c.at++;
      return { kind: 'Finish', start, end: c.lastEnd };
    case 'RETURN': {
      c.at++;
      const projection = parseProjection(c);
      return { kind: 'Return', projection, start, end: c.lastEnd };
    }
    case 'CREATE':
    case 'INSERT':
      c.at++;
      return { kind: 'Create', patterns: parsePatternList(c), start, end: c.lastEnd };
    case 'MERGE':
      c.at++;
      return parseMerge(c, start);
    case 'SET':
      c.at++;
      return { kind: 'Set', items: parseSetItems(c), start, end: c.lastEnd };
    case 'REMOVE':
      c.at++;
      return parseRemove(c, start);
    case 'DELETE':
    case 'DETACH':
    case 'NODETACH':
      return parseDelete(c, start);
    case 'FOREACH':
      c.at++;
      return parseForeach(c, start);
    case 'CALL':
      c.at++;
      return parseCall(c, start, false);
    case 'LOAD':
      c.at++;
      return parseLoadCsv(c, start);
    default:
      return undefined;
  }
}

/** What is short for `WITH *`: FILTER, LET, and ORDER BY, SKIP and LIMIT that stand alone. */
function withAll(of: Partial<Projection>, where: Expression | undefined, c: Cursor, start: number): WithClause {
  const projection = { distinct: false, star: true, items: [], orderBy: [], skip: undefined, limit: undefined, ...of };
  return { kind: 'With', projection, where, start, end: c.lastEnd };
}

/** `x = 1, y = n.name` */
function parseAssignments(c: Cursor): ProjectionItem[] {
  const items: ProjectionItem[] = [];
  do {
    const start = c.token.start;
    const alias = c.expectName('a variable');
    c.expectPunct('=');
    items.push({ expression: parseExpression(c), alias, name: alias, start, end: c.lastEnd });
  } while (c.takePunct(','));
  return items;
}

/** `DIFFERENT RELATIONSHIPS` says what holds anyway. `REPEATABLE ELEMENTS`: a relationship may be used again. */
function parseMatchMode(c: Cursor): { readonly isRepeatable?: true } {
  const isRepeatable = c.isWord('REPEATABLE') && (c.isWord('ELEMENT', 1) || c.isWord('ELEMENTS', 1));
  if (!isRepeatable && (!c.isWord('DIFFERENT') || (!c.isWord('RELATIONSHIP', 1) && !c.isWord('RELATIONSHIPS', 1)))) return {};
  c.at += 2;
  c.takeWord('BINDINGS');
  return isRepeatable ? { isRepeatable } : {};
}

/** What is searched for step by step goes by relationships that differ. */
function checkRepeatable(c: Cursor, { shortest, selector, elements, start }: PatternPart): void {
  const stepwise = elements.find((each) => each.kind === 'Relationship' && each.length !== undefined);
  if (shortest === undefined && selector === undefined && stepwise === undefined) return;
  throw c.error('REPEATABLE ELEMENTS takes relationships one by one, without a quantifier and without a selector of paths', 'UnexpectedSyntax', stepwise?.start ?? start,
    'write the steps out, or combine the lengths with UNION');
}

function parseMatch(c: Cursor, start: number, optional: boolean): MatchClause {
  const mode = parseMatchMode(c);
  const patterns = parsePatternList(c);
  if (mode.isRepeatable) for (const part of patterns) checkRepeatable(c, part);
  const hints: Hint[] = [];
  while (c.takeWord('USING')) hints.push(parseHint(c));
  const where = c.takeWord('WHERE') ? parseExpression(c) : undefined;
  while (c.takeWord('USING')) hints.push(parseHint(c));
  return { kind: 'Match', optional, ...mode, patterns, hints, where, start, end: c.lastEnd };
}

function parseHint(c: Cursor): Hint {
  if (c.takeWord('JOIN')) {
    c.expectWord('ON');
    const variables = [c.expectName('a variable')];
    while (c.takePunct(',')) variables.push(c.expectName('a variable'));
    return { kind: 'join', variables };
  }
  if (c.takeWord('START')) {
    c.expectWord('ON');
    return { kind: 'start', variable: c.expectName('a variable') };
  }
  const scan = c.takeWord('SCAN');
  if (!scan) {
    if (c.isWord('TEXT') || c.isWord('RANGE') || c.isWord('POINT') || c.isWord('BTREE')) c.at++;
    if (!c.takeWord('INDEX')) throw c.expected('INDEX, SCAN, JOIN or START', ['INDEX', 'SCAN', 'JOIN', 'START']);
    c.takeWord('SEEK');
  }
  const variable = c.expectName('a variable');
  c.expectPunct(':');
  const label = c.expectName('a label');
  if (scan) return { kind: 'scan', variable, label };
  c.expectPunct('(');
  const keys = [c.expectName('a property name')];
  while (c.takePunct(',')) keys.push(c.expectName('a property name'));
  c.expectPunct(')');
  return { kind: 'index', variable, label, keys };
}

export function parseProjection(c: Cursor): Projection {
  const distinct = c.takeWord('DISTINCT');
  if (!distinct && isSetQuantifier(c)) c.takeWord('ALL');
  const star = c.takePunct('*');
  const items: ProjectionItem[] = [];
  if (!star || c.takePunct(',')) {
    do items.push(parseProjectionItem(c)); while (c.takePunct(','));
  }
  return { distinct, star, items, ...parseOrderAndBounds(c) };
}

/** Words that go on with an expression, or end it. */
const NO_ITEM: ReadonlySet<string> = new Set([...CLAUSE_KEYWORDS, 'AS', 'AND', 'OR', 'XOR', 'IN', 'IS', 'STARTS', 'ENDS', 'CONTAINS', 'OFFSET', 'INSERT']);

/** Whether the ALL here says that duplicates stay: an item follows. Where what follows could go on with a variable `all` (`all[0]`, `all + 1`), it is that. */
function isSetQuantifier(c: Cursor): boolean {
  if (!c.isWord('ALL')) return false;
  const next = c.peek(1);
  if (next.type === 'word') return !NO_ITEM.has(next.key);
  if (next.type === 'punct') return next.key === '*' && !startsItem(c, 2);
  return next.type !== 'end';
}

function startsItem(c: Cursor, ahead: number): boolean {
  const token = c.peek(ahead);
  if (token.type === 'word') return !NO_ITEM.has(token.key);
  return token.type === 'punct' ? token.key === '(' || token.key === '-' : token.type !== 'end';
}

export function parseOrderAndBounds(c: Cursor): Pick<Projection, 'orderBy' | 'skip' | 'limit'> {
  const orderBy: SortItem[] = [];
  if (c.takeWord('ORDER')) {
    c.expectWord('BY');
    do orderBy.push(parseSortItem(c)); while (c.takePunct(','));
  }
  const skip = c.takeWord('SKIP') || c.takeWord('OFFSET') ? parseExpression(c) : undefined;
  const limit = c.takeWord('LIMIT') ? parseExpression(c) : undefined;
  return { orderBy, skip, limit };
}

function parseProjectionItem(c: Cursor): ProjectionItem {
  const start = c.token.start;
  const expression = parseExpression(c);
  const end = c.lastEnd;
  const alias = c.takeWord('AS') ? c.expectName('a column name') : undefined;
  const name = alias ?? (expression.kind === 'Variable' ? expression.name : c.source.slice(start, end));
  return { expression, alias, name, start, end };
}

function parseSortItem(c: Cursor): SortItem {
  const start = c.token.start;
  const expression = parseExpression(c);
  const end = c.lastEnd;
  const descending = c.takeWord('DESC') || c.takeWord('DESCENDING');
  if (!descending && !c.takeWord('ASC')) c.takeWord('ASCENDING');
  return { expression, descending, start, end };
}

function parseMerge(c: Cursor, start: number): MergeClause {
  const pattern = parsePatternPart(c);
  const onCreate: MergeClause['onCreate'][number][] = [];
  const onMatch: MergeClause['onMatch'][number][] = [];
  while (c.takeWord('ON')) {
    const items = c.takeWord('CREATE') ? onCreate : c.takeWord('MATCH') ? onMatch : undefined;
    if (items === undefined) throw c.expected('CREATE or MATCH', ['CREATE', 'MATCH']);
    c.expectWord('SET');
    items.push(...parseSetItems(c));
  }
  return { kind: 'Merge', pattern, onCreate, onMatch, start, end: c.lastEnd };
}

function parseForeach(c: Cursor, start: number): ForeachClause {
  c.expectPunct('(');
  const variable = c.expectName('a variable');
  c.expectWord('IN');
  const list = parseExpression(c);
  c.expectPunct('|');
  const clauses = c.nested(() => {
    const inner: Clause[] = [];
    for (let clause = parseClause(c); clause !== undefined; clause = parseClause(c)) inner.push(clause);
    return inner;
  });
  if (clauses.length === 0) throw c.expected('an updating clause', ['CREATE', 'MERGE', 'SET', 'REMOVE', 'DELETE', 'DETACH', 'FOREACH']);
  c.expectPunct(')');
  return { kind: 'Foreach', variable, list, clauses, start, end: c.lastEnd };
}

function parseCall(c: Cursor, start: number, optional: boolean): CallClause | CallSubqueryClause {
  if (c.isPunct('{') || c.isPunct('(')) return parseCallSubquery(c, start, optional);
  let procedure = c.expectName('a procedure');
  while (c.takePunct('.')) procedure += `.${c.expectName('a procedure')}`;
  let args: CallClause['args'];
  if (c.takePunct('(')) {
    const list: Exclude<CallClause['args'], undefined>[number][] = [];
    if (!c.isPunct(')')) {
      do list.push(parseExpression(c)); while (c.takePunct(','));
    }
    c.expectPunct(')');
    args = list;
  }
  const yields = parseYield(c);
  const where = c.takeWord('WHERE') ? parseExpression(c) : undefined;
  return {
    kind: 'Call', procedure, args, yields: yields.items, yieldStar: yields.star, where, optional, start, end: c.lastEnd,
  };
}

export function parseYield(c: Cursor): { items: YieldItem[] | undefined; star: boolean } {
  if (!c.takeWord('YIELD')) return { items: undefined, star: false };
  if (c.takePunct('*')) return { items: undefined, star: true };
  // `YIELD -` says: no columns.
  if (c.takePunct('-')) return { items: [], star: false };
  const items: YieldItem[] = [];
  do {
    const start = c.token.start;
    const column = c.expectName('a result column');
    const variable = c.takeWord('AS') ? c.expectName('a variable') : column;
    items.push({ column, variable, start, end: c.lastEnd });
  } while (c.takePunct(','));
  return { items, star: false };
}

function parseCallSubquery(c: Cursor, start: number, optional: boolean): CallSubqueryClause {
  let imports: CallSubqueryClause['imports'];
  if (c.takePunct('(')) {
    if (c.takePunct('*')) imports = 'all';
    else {
      const names: string[] = [];
      if (!c.isPunct(')')) {
        do names.push(c.expectName('a variable')); while (c.takePunct(','));
      }
      imports = names;
    }
    c.expectPunct(')');
  }
  c.expectPunct('{');
  const query = parseSubquery(c);
  c.expectPunct('}');
  const inTransactions = c.takeWord('IN') ? parseInTransactions(c) : undefined;
  return { kind: 'CallSubquery', query, imports, inTransactions, optional, start, end: c.lastEnd };
}

function parseInTransactions(c: Cursor): InTransactions {
  if (!c.isWord('TRANSACTIONS')) {
    // `IN n CONCURRENT TRANSACTIONS`: how many run at once is ours to choose.
    if (c.token.type === 'integer' || c.token.type === 'parameter') c.at++;
    c.takeWord('CONCURRENT');
  }
  c.expectWord('TRANSACTIONS');
  let rows: Expression | undefined;
  if (c.takeWord('OF')) {
    rows = parseExpression(c);
    if (rows.kind !== 'Parameter' && (rows.kind !== 'Literal' || typeof rows.value !== 'number' || rows.value < 1)) {
      throw c.error('the number of rows is a positive integer or a parameter', 'InvalidArgumentType', rows.start);
    }
    if (!c.takeWord('ROWS')) c.expectWord('ROW');
  }
  let onError: InTransactions['onError'] = 'fail';
  let status: string | undefined;
  let statusAt = 0;
  for (;;) {
    const { start } = c.token;
    if (c.takeWords('ON', 'ERROR')) {
      if (c.takeWord('CONTINUE')) onError = 'continue';
      else if (c.takeWord('BREAK')) onError = 'break';
      else if (c.takeWord('RETRY')) onError = parseAfterRetry(c);
      else if (!c.takeWord('FAIL')) throw c.expected('FAIL, CONTINUE, BREAK or RETRY', ['FAIL', 'CONTINUE', 'BREAK', 'RETRY']);
    } else if (c.takeWords('REPORT', 'STATUS')) {
      c.expectWord('AS');
      status = c.expectName('a variable');
      statusAt = start;
    } else {
      if (status !== undefined && onError === 'fail') {
        throw c.error('REPORT STATUS can only be used when specifying ON ERROR CONTINUE or ON ERROR BREAK', 'UnexpectedSyntax', statusAt, 'with ON ERROR FAIL the error ends the statement, and nothing is reported');
      }
      return { rows, onError, status };
    }
  }
}

/** `[FOR n SECONDS] [THEN CONTINUE]`: a batch that meets another change is run again anyway (decision 016), so only the rest matters. */
function parseAfterRetry(c: Cursor): InTransactions['onError'] {
  if (c.takeWord('FOR')) {
    parseExpression(c);
    for (const word of ['SECONDS', 'SECOND', 'SEC']) if (c.takeWord(word)) break;
  }
  if (!c.takeWord('THEN')) return 'fail';
  if (c.takeWord('CONTINUE')) return 'continue';
  if (c.takeWord('BREAK')) return 'break';
  c.expectWord('FAIL');
  return 'fail';
}

function parseLoadCsv(c: Cursor, start: number): LoadCsvClause {
  c.expectWord('CSV');
  const headers = c.takeWords('WITH', 'HEADERS');
  c.expectWord('FROM');
  const url = parseExpression(c);
  c.expectWord('AS');
  const variable = c.expectName('a variable');
  let fieldTerminator: string | undefined;
  if (c.takeWord('FIELDTERMINATOR')) {
    if (c.token.type !== 'string') throw c.expected('a string');
    fieldTerminator = c.token.text;
    c.at++;
  }
  return { kind: 'LoadCsv', headers, url, variable, fieldTerminator, start, end: c.lastEnd };
}
