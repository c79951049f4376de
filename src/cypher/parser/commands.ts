/**
 * Schema commands in the forms of Neo4j 3 to 5, and SHOW.
 */
import { isPropertyType } from '../../value/value-type.ts';
import type {
  CreateConstraintCommand, CreateIndexCommand, CreateLookupIndexCommand, CreateTextIndexCommand, CreateVectorIndexCommand, DropConstraintCommand, DropIndexCommand, Expression, Projection, ShowCommand,
} from '../ast.ts';
import { oneName, text } from './administration.ts';
import { parseOrderAndBounds, parseProjection, parseYield } from './clauses.ts';
import type { Cursor } from './cursor.ts';
import { parseExpression, parseMapLiteral, parseType } from './expressions.ts';

const INDEX_KINDS = ['RANGE', 'BTREE', 'TEXT', 'POINT', 'LOOKUP', 'FULLTEXT', 'VECTOR'];

const CONSTRAINT_KINDS: ReadonlySet<string> = new Set(['NODE', 'RELATIONSHIP', 'REL', 'UNIQUE', 'UNIQUENESS', 'KEY', 'EXIST', 'EXISTENCE', 'TYPE']);

export function isCommandAhead(c: Cursor): boolean {
  if (c.isWord('SHOW') && !c.isPunct('=', 1)) return true;
  if (c.isWord('TERMINATE')) return true;
  if (c.isWord('DROP')) return true;
  if (!c.isWord('CREATE') || c.peek(1).type !== 'word') return false;
  let ahead = 1;
  if (c.isWord('OR', 1) && c.isWord('REPLACE', 2)) ahead = 3;
  return c.isWord('INDEX', ahead) || c.isWord('CONSTRAINT', ahead)
    || (INDEX_KINDS.some((kind) => c.isWord(kind, ahead)) && c.isWord('INDEX', ahead + 1));
}

export function parseCommand(c: Cursor): CreateIndexCommand | CreateLookupIndexCommand | CreateTextIndexCommand | CreateVectorIndexCommand | DropIndexCommand | CreateConstraintCommand | DropConstraintCommand | ShowCommand {
  const start = c.token.start;
  if (c.takeWord('SHOW')) return parseShow(c, start);
  if (c.takeWord('TERMINATE')) return parseTerminate(c, start);
  if (c.takeWord('DROP')) {
    if (c.takeWord('INDEX')) return parseDropIndex(c, start);
    if (c.takeWord('CONSTRAINT')) return parseDropConstraint(c, start);
    throw c.expected('INDEX or CONSTRAINT', ['INDEX', 'CONSTRAINT']);
  }
  c.expectWord('CREATE');
  const replace = c.token.start;
  if (c.takeWords('OR', 'REPLACE')) {
    throw c.error('there is no CREATE OR REPLACE of an index or a constraint', 'UnexpectedSyntax', replace, 'IF NOT EXISTS leaves one that is there as it is; DROP ... IF EXISTS before CREATE replaces it');
  }
  if (c.takeWords('LOOKUP', 'INDEX')) return parseCreateLookupIndex(c, start);
  if (c.takeWords('VECTOR', 'INDEX')) return parseCreateVectorIndex(c, start);
  const isText = c.isWord('FULLTEXT');
  for (const kind of INDEX_KINDS) c.takeWord(kind);
  if (c.takeWord('INDEX')) return isText ? parseCreateTextIndex(c, start) : parseCreateIndex(c, start);
  c.expectWord('CONSTRAINT');
  return parseCreateConstraint(c, start);
}

/** Nodes by label and relationships by type are always found without a scan: it is there already, as the one that Neo4j makes itself. */
function parseCreateLookupIndex(c: Cursor, start: number): CreateLookupIndexCommand {
  if (isNamed(c)) parseName(c, 'an index name');
  if (!parseIfNotExists(c)) throw c.error('what a lookup index does is always there, for labels and for types', 'UnexpectedSyntax', start, 'leave the command out, or add IF NOT EXISTS');
  c.expectWord('FOR');
  c.expectPunct('(');
  const isNode = c.isName();
  if (isNode) c.expectName('a variable');
  c.expectPunct(')');
  if (!isNode) {
    for (const sign of ['-', '[']) c.expectPunct(sign);
    c.expectName('a variable');
    for (const sign of [']', '-', '(', ')']) c.expectPunct(sign);
  }
  c.expectWord('ON');
  c.takeWord('EACH');
  c.expectWord(isNode ? 'LABELS' : 'TYPE');
  c.expectPunct('(');
  c.expectName('the variable');
  c.expectPunct(')');
  skipOptions(c);
  return { kind: 'CreateLookupIndex', start, end: c.lastEnd };
}

function isNamed(c: Cursor): boolean {
  return c.token.type === 'parameter' || (c.isName() && !c.isWord('FOR') && !c.isWord('IF'));
}

function parseName(c: Cursor, what: string): { readonly name: string; readonly nameParameter?: string } {
  if (c.token.type !== 'parameter') return { name: c.expectName(what) };
  const nameParameter = c.token.text;
  c.at++;
  return { name: '', nameParameter };
}

function parseIfNotExists(c: Cursor): boolean {
  return c.takeWords('IF', 'NOT', 'EXISTS');
}

function parseCreateIndex(c: Cursor, start: number): CreateIndexCommand {
  // CREATE INDEX ON :Label(key, …), the form of Neo4j 3.
  if (c.isWord('ON') && c.isPunct(':', 1)) {
    c.at++;
    const { label, keys } = parseLabelAndKeys(c);
    return { kind: 'CreateIndex', name: undefined, target: 'vertex', label, keys, ifNotExists: false, start, end: c.lastEnd };
  }
  const named = isNamed(c) ? parseName(c, 'an index name') : { name: undefined };
  const ifNotExists = parseIfNotExists(c);
  c.expectWord('FOR');
  const { target, label, variable } = parseEntity(c);
  c.expectWord('ON');
  const each = c.takeWord('EACH');
  const close = each ? ']' : ')';
  c.expectPunct(each ? '[' : '(');
  const keys = [parseKey(c, variable)];
  while (c.takePunct(',')) keys.push(parseKey(c, variable));
  c.expectPunct(close);
  skipOptions(c);
  return { kind: 'CreateIndex', ...named, target, label, keys, ifNotExists, start, end: c.lastEnd };
}

/** `name [IF NOT EXISTS] FOR (n:A|B) ON EACH [n.a, n.b] [OPTIONS {…}]`, or `FOR ()-[r:S|T]-()`. */
function parseCreateTextIndex(c: Cursor, start: number): CreateTextIndexCommand {
  if (c.isWord('FOR') || c.isWord('IF')) throw c.expected('a name of the index, which searches use');
  const named = parseName(c, 'an index name');
  const ifNotExists = parseIfNotExists(c);
  c.expectWord('FOR');
  const { target, labels, variable } = parseEntities(c);
  c.expectWord('ON');
  c.expectWord('EACH');
  c.expectPunct('[');
  const keys = [parseKey(c, variable)];
  while (c.takePunct(',')) keys.push(parseKey(c, variable));
  c.expectPunct(']');
  const options = c.takeWord('OPTIONS') ? parseMapLiteral(c) : undefined;
  return { kind: 'CreateTextIndex', ...named, target, labels, keys, options, ifNotExists, start, end: c.lastEnd };
}

/** `[name] [IF NOT EXISTS] FOR (n:A) ON (n.k) [OPTIONS {…}]`, or `FOR ()-[r:T]-()`; the parentheses of the key may be left out. */
function parseCreateVectorIndex(c: Cursor, start: number): CreateVectorIndexCommand {
  const named = isNamed(c) ? parseName(c, 'an index name') : { name: undefined };
  const ifNotExists = parseIfNotExists(c);
  c.expectWord('FOR');
  const { target, label, variable } = parseEntity(c);
  c.expectWord('ON');
  const isClosed = c.takePunct('(');
  const key = parseKey(c, variable);
  if (isClosed) c.expectPunct(')');
  const options = c.takeWord('OPTIONS') ? parseMapLiteral(c) : undefined;
  return { kind: 'CreateVectorIndex', ...named, target, label, key, options, ifNotExists, start, end: c.lastEnd };
}

function parseDropIndex(c: Cursor, start: number): DropIndexCommand {
  if (c.takeWord('ON')) {
    const { label, keys } = parseLabelAndKeys(c);
    return { kind: 'DropIndex', name: undefined, label, keys, ifExists: false, start, end: c.lastEnd };
  }
  return { kind: 'DropIndex', ...parseName(c, 'an index name'), label: undefined, keys: [], ifExists: c.takeWords('IF', 'EXISTS'), start, end: c.lastEnd };
}

function parseCreateConstraint(c: Cursor, start: number): CreateConstraintCommand {
  const named = isNamed(c) && !c.isWord('ON') ? parseName(c, 'a constraint name') : { name: undefined };
  const ifNotExists = parseIfNotExists(c);
  const asserted = c.takeWord('ON');
  if (!asserted) c.expectWord('FOR');
  const { target, label, variable } = parseEntity(c);
  if (asserted) c.expectWord('ASSERT');
  else c.expectWord('REQUIRE');
  const { keys, type, propertyType } = parseRule(c, variable);
  skipOptions(c);
  return { kind: 'CreateConstraint', ...named, target, label, keys, type, propertyType, ifNotExists, start, end: c.lastEnd };
}

function parseDropConstraint(c: Cursor, start: number): DropConstraintCommand {
  if (c.takeWord('ON')) {
    const { target, label, variable } = parseEntity(c);
    c.expectWord('ASSERT');
    const { keys, type } = parseRule(c, variable);
    return { kind: 'DropConstraint', name: undefined, target, label, keys, type, ifExists: false, start, end: c.lastEnd };
  }
  const named = parseName(c, 'a constraint name');
  const ifExists = c.takeWords('IF', 'EXISTS');
  return { kind: 'DropConstraint', ...named, target: undefined, label: undefined, keys: [], type: undefined, ifExists, start, end: c.lastEnd };
}

/** `n.k IS UNIQUE`, `(n.a, n.b) IS NODE KEY`, `n.k IS NOT NULL`, `exists(n.k)`, `n.k IS :: INTEGER`. */
function parseRule(c: Cursor, variable: string): { keys: string[]; type: CreateConstraintCommand['type']; propertyType?: string } {
  if (c.takeWord('EXISTS')) {
    c.expectPunct('(');
    const key = parseKey(c, variable);
    c.expectPunct(')');
    return { keys: [key], type: 'exists' };
  }
  const keys: string[] = [];
  if (c.takePunct('(')) {
    do keys.push(parseKey(c, variable)); while (c.takePunct(','));
    c.expectPunct(')');
  } else keys.push(parseKey(c, variable));
  if (!c.isPunct('::')) c.expectWord('IS');
  if (c.isPunct('::') || c.isWord('TYPED')) return { keys, type: 'type', propertyType: parsePropertyType(c, keys) };
  const { start } = c.token;
  if (c.takeWords('NOT', 'NULL')) {
    if (keys.length > 1) throw c.error('IS NOT NULL is about one property', 'UnexpectedSyntax', start, 'make a constraint for each, or a key: IS NODE KEY');
    return { keys, type: 'exists' };
  }
  if (c.takeWords('NODE', 'KEY') || c.takeWords('RELATIONSHIP', 'KEY') || c.takeWords('REL', 'KEY') || c.takeWord('KEY')) return { keys, type: 'node_key' };
  if (!c.takeWord('NODE')) c.takeWord('RELATIONSHIP');
  if (!c.takeWord('REL')) c.takeWord('RELATIONSHIP');
  c.expectWord('UNIQUE');
  return { keys, type: 'unique' };
}

function parsePropertyType(c: Cursor, keys: readonly string[]): string {
  const { start } = c.token;
  c.at++;
  if (keys.length > 1) throw c.error('a type constraint is about one property', 'UnexpectedSyntax', start);
  const type = parseType(c);
  if (!isPropertyType(type)) {
    throw c.error(`properties cannot be required to be ${type}`, 'UnexpectedSyntax', start, type.includes('NOT NULL') && !type.includes('LIST') ? 'add a constraint IS NOT NULL' : 'what can be stored is allowed, and lists of it as LIST<STRING NOT NULL>');
  }
  return type;
}

function parseEntity(c: Cursor): { target: 'vertex' | 'edge'; label: string; variable: string } {
  const { target, labels, variable } = parseEntities(c, 1);
  return { target, label: labels[0]!, variable };
}

/** `(n:A|B)` or `()-[r:S|T]-()`. */
function parseEntities(c: Cursor, max = Infinity): { target: 'vertex' | 'edge'; labels: string[]; variable: string } {
  const names = (what: string): string[] => {
    const labels = [c.expectName(what)];
    while (labels.length < max && c.takePunct('|')) {
      c.takePunct(':');
      labels.push(c.expectName(what));
    }
    return labels;
  };
  c.expectPunct('(');
  if (c.takePunct(')')) {
    c.takePunct('<');
    c.expectPunct('-');
    c.expectPunct('[');
    const variable = c.expectName('a variable');
    c.expectPunct(':');
    const labels = names('a relationship type');
    c.expectPunct(']');
    c.expectPunct('-');
    c.takePunct('>');
    c.expectPunct('(');
    c.expectPunct(')');
    return { target: 'edge', labels, variable };
  }
  const variable = c.expectName('a variable');
  c.expectPunct(':');
  const labels = names('a label');
  c.expectPunct(')');
  return { target: 'vertex', labels, variable };
}

function parseKey(c: Cursor, variable: string): string {
  const offset = c.token.start;
  const name = c.expectName('a variable');
  if (name !== variable) throw c.error(`expected ${variable}`, 'UndefinedVariable', offset);
  c.expectPunct('.');
  return c.expectName('a property name');
}

function parseLabelAndKeys(c: Cursor): { label: string; keys: string[] } {
  c.expectPunct(':');
  const label = c.expectName('a label');
  c.expectPunct('(');
  const keys = [c.expectName('a property name')];
  while (c.takePunct(',')) keys.push(c.expectName('a property name'));
  c.expectPunct(')');
  return { label, keys };
}

/** `OPTIONS { … }` tunes other engines' indexes; ours have nothing to tune. */
function skipOptions(c: Cursor): void {
  if (c.takeWord('OPTIONS')) parseMapLiteral(c);
}

const SHOWN: Readonly<Record<string, ShowCommand['what']>> = {
  INDEX: 'indexes', INDEXES: 'indexes', CONSTRAINT: 'constraints', CONSTRAINTS: 'constraints', PROCEDURE: 'procedures',
  PROCEDURES: 'procedures', FUNCTION: 'functions', FUNCTIONS: 'functions', DATABASE: 'databases', DATABASES: 'databases',
  USER: 'users', USERS: 'users', ROLE: 'roles', ROLES: 'roles', SETTING: 'settings', SETTINGS: 'settings',
  SERVER: 'servers', SERVERS: 'servers', ALIAS: 'aliases', ALIASES: 'aliases', TRANSACTION: 'transactions', TRANSACTIONS: 'transactions',
};

function parseShow(c: Cursor, start: number): ShowCommand {
  let indexKind: string | undefined;
  const constraintKinds: string[] = [];
  if (c.takeWords('CURRENT', 'USER')) return shown(c, 'currentUser', [], start);
  const isHome = c.isWord('HOME') || c.isWord('DEFAULT');
  for (const word of ['ALL', 'BUILT', 'IN', 'USER', 'DEFINED', 'RANGE', 'TEXT', 'POINT', 'LOOKUP', 'FULLTEXT', 'VECTOR',
    'NODE', 'RELATIONSHIP', 'REL', 'PROPERTY', 'UNIQUENESS', 'UNIQUE', 'KEY', 'EXIST', 'EXISTENCE', 'TYPE', 'HOME', 'DEFAULT', 'POPULATED']) {
    // A qualifier is followed by another word of the command; the thing shown may be the last one.
    if (word === 'USER' && !['DEFINED', 'PRIVILEGE', 'PRIVILEGES'].some((next) => c.isWord(next, 1))) continue;
    if (c.isWord(word) && c.peek(1).type === 'word' && !c.isWord('YIELD', 1) && !c.isWord('WHERE', 1)) {
      c.at++;
      if (INDEX_KINDS.includes(word)) indexKind = word;
      if (CONSTRAINT_KINDS.has(word)) constraintKinds.push(word);
    }
  }
  const isPopulated = c.tokens[c.at - 1]?.key === 'POPULATED';
  let what = c.token.type === 'word' ? SHOWN[c.token.key] : undefined;
  const isDefinedByUsers = c.tokens[c.at - 1]?.key === 'DEFINED';
  if (c.isWord('PRIVILEGE') || c.isWord('PRIVILEGES')) return parsePrivileges(c, c.tokens[c.at - 1]?.key === 'USER' ? 'user' : 'role', [], start);
  if (what === undefined) throw c.expected('what to show, such as INDEXES', Object.keys(SHOWN));
  c.at++;
  if (c.isWord('EXECUTABLE')) {
    c.at++;
    if (c.takeWord('BY') && !c.takeWords('CURRENT', 'USER') && c.isName()) c.at++;
  }
  if (what === 'users' || what === 'roles') {
    const names = parsePrivilegeHolders(c);
    if (names !== undefined) return parsePrivileges(c, what === 'users' ? 'user' : 'role', names, start);
  }
  if (what === 'roles' && (c.takeWords('WITH', 'USERS') || c.takeWords('WITH', 'USER'))) what = 'roleMembers';
  if (what === 'aliases') {
    c.expectWord('FOR');
    if (!c.takeWord('DATABASE')) c.expectWord('DATABASES');
  }
  const ids = what === 'transactions' || what === 'settings' ? parseIds(c) : what === 'databases' ? parseGraphName(c, isHome) : [];
  const command = shown(c, what, ids, start);
  if (isPopulated) return { ...command, populated: true };
  // There are none: a condition that never holds.
  if (isDefinedByUsers && what === 'functions') return { ...command, none: true };
  return what === 'constraints' ? { ...command, constraintKinds } : what === 'indexes' && indexKind !== undefined ? { ...command, indexKind } : command;
}

/** The names between USER or ROLE and PRIVILEGES; undefined where the command is about something else. */
function parsePrivilegeHolders(c: Cursor): Expression[] | undefined {
  let ahead = 0;
  while (c.peek(ahead).type === 'parameter' || (c.isName(ahead) && !c.isWord('PRIVILEGE', ahead) && !c.isWord('PRIVILEGES', ahead))) ahead += c.isPunct(',', ahead + 1) ? 2 : 1;
  if (!c.isWord('PRIVILEGE', ahead) && !c.isWord('PRIVILEGES', ahead)) return undefined;
  const names: Expression[] = [];
  if (ahead > 0) do names.push(oneName(c, 'a name')); while (c.takePunct(','));
  return names;
}

/** `PRIVILEGES [AS [REVOKE] COMMANDS]` */
function parsePrivileges(c: Cursor, of: 'user' | 'role', names: readonly Expression[], start: number): ShowCommand {
  c.at++;
  const asCommands = c.takeWord('AS');
  if (asCommands && !c.takeWord('COMMAND')) c.expectWord('COMMANDS');
  const what = of === 'user' ? (asCommands ? 'userPrivilegeCommands' : 'userPrivileges') : asCommands ? 'privilegeCommands' : 'privileges';
  return shown(c, what, names, start);
}

/** SHOW DATABASE films, SHOW HOME DATABASE. */
function parseGraphName(c: Cursor, isHome: boolean): Expression[] {
  const { start, end } = c.token;
  if (c.token.type === 'parameter') return [text(c, 'a graph')];
  if (c.isName() && !c.isWord('YIELD') && !c.isWord('WHERE')) return [{ kind: 'Literal', value: c.expectName('a graph'), start, end }];
  return isHome ? [{ kind: 'Literal', value: 'default', start, end }] : [];
}

function parseTerminate(c: Cursor, start: number): ShowCommand {
  if (!c.takeWord('TRANSACTION')) c.expectWord('TRANSACTIONS');
  const ids = parseIds(c);
  if (ids.length === 0) throw c.expected('the id of a transaction as a string, as SHOW TRANSACTIONS gives it');
  return shown(c, 'terminated', ids, start);
}

/** `'1_2', '3_4'`, or a parameter or list of such. */
function parseIds(c: Cursor): Expression[] {
  const ids: Expression[] = [];
  if (c.token.type !== 'string' && c.token.type !== 'parameter' && !c.isPunct('[')) return ids;
  do ids.push(parseExpression(c)); while (c.takePunct(','));
  return ids;
}

function shown(c: Cursor, what: ShowCommand['what'], ids: readonly Expression[], start: number): ShowCommand {
  const yields = parseYield(c);
  const ordered = yields.items === undefined && !yields.star ? undefined : parseOrderOfColumns(c, yields);
  const where = c.takeWord('WHERE') ? parseExpression(c) : undefined;
  const projection = c.takeWord('RETURN') ? parseProjection(c) : undefined;
  return { kind: 'Show', what, ids, yields: yields.items, yieldStar: yields.star, ordered, where, projection, start, end: c.lastEnd };
}

/** `YIELD a, b ORDER BY a LIMIT 3` is `YIELD a, b WITH a, b ORDER BY a LIMIT 3`. */
function parseOrderOfColumns(c: Cursor, { items, star }: ReturnType<typeof parseYield>): Projection | undefined {
  if (!['ORDER', 'SKIP', 'OFFSET', 'LIMIT'].some((word) => c.isWord(word))) return undefined;
  const columns = (items ?? []).map(({ variable: name, start, end }) => ({ expression: { kind: 'Variable' as const, name, start, end }, alias: undefined, name, start, end }));
  return { distinct: false, star, items: columns, ...parseOrderAndBounds(c) };
}
