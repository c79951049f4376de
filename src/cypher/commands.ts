/**
 * Schema commands and SHOW: statements that are not queries over the graph.
 */
import { DbError } from '../base/errors.ts';
import type { ConstraintDef, GraphCatalog, IndexDef } from '../graph/catalog.ts';
import type { Value } from '../value/value.ts';
import type {
  Command, CreateConstraintCommand, CreateIndexCommand, CreateTextIndexCommand, DropConstraintCommand, DropIndexCommand, MapLiteral, Query, ShowCommand,
} from './ast.ts';
import { checkFullText, defaultAnalyzer } from './builtins/fulltext.ts';
import type { Runtime } from './exec/runtime.ts';
import { AGGREGATE_NAMES, FUNCTION_NAMES } from './functions/index.ts';
import type { ProcedureHost } from './procedures.ts';
import { signature } from './semantics/check-call.ts';

export type SchemaCommand = Exclude<Command, ShowCommand>;

/** Procedure that answers a SHOW about the server, in the host. */
const SHOWN_BY: Partial<Record<ShowCommand['what'], string>> = {
  databases: 'dbms.listDatabases', users: 'dbms.security.listUsers', roles: 'dbms.security.listRoles', settings: 'dbms.config.list',
  transactions: 'dbms.listTransactions', terminated: 'dbms.killTransactions',
};

export function runSchemaCommand(command: SchemaCommand, rt: Runtime): void {
  switch (command.kind) {
    case 'CreateIndex': createIndex(command, rt); return;
    case 'CreateTextIndex': createTextIndex(command, rt); return;
    case 'DropIndex': dropIndex(command, rt); return;
    case 'CreateConstraint': createConstraint(command, rt); return;
    case 'DropConstraint': dropConstraint(command, rt);
  }
}

function createIndex(command: CreateIndexCommand, rt: Runtime): void {
  const { writer } = rt;
  const { target: kind, label, keys: fields, name } = command;
  const exists = writer.catalog.findIndex(kind, label, fields) !== undefined
    || (name !== undefined && writer.catalog.data.indexes.some((index) => index.name === name));
  if (exists && command.ifNotExists) return;
  nameFirst(kind, label, rt);
  writer.createIndex({ kind, label, fields, unique: false, ...(name === undefined ? {} : { name }) });
  rt.stats.indexesAdded++;
}

/** Options of Neo4j's full-text indexes. */
const TEXT_SETTINGS = ['fulltext.analyzer', 'fulltext.eventually_consistent'];

function createTextIndex(command: CreateTextIndexCommand, rt: Runtime): void {
  checkFullText(rt.context);
  const { writer } = rt;
  const { target: kind, labels, keys: fields, name } = command;
  const analyzer = analyzerOption(command.options, rt) ?? defaultAnalyzer(rt.context);
  if (command.ifNotExists && (writer.catalog.findText(name) ?? writer.catalog.data.indexes.find((index) => index.name === name)) !== undefined) return;
  for (const label of labels) nameFirst(kind, label, rt);
  writer.createText({ kind, name, labels, fields, analyzer });
  rt.stats.indexesAdded++;
}

/** `{indexProvider: …, indexConfig: {`fulltext.analyzer`: 'english', `fulltext.eventually_consistent`: false}}` */
function analyzerOption(options: MapLiteral | undefined, rt: Runtime): string | undefined {
  const unknown = (key: string, known: readonly string[]) => new DbError('ArgumentError', `unknown option ${key} of a full-text index`, { hint: `known: ${known.join(', ')}` });
  let analyzer: string | undefined;
  for (const { key, value } of options?.entries ?? []) {
    if (key === 'indexProvider') continue;
    if (key !== 'indexConfig') throw unknown(key, ['indexConfig', 'indexProvider']);
    if (value.kind !== 'Map') throw new DbError('ArgumentError', 'indexConfig of a full-text index is a map');
    for (const setting of value.entries) {
      if (!TEXT_SETTINGS.includes(setting.key)) throw unknown(setting.key, TEXT_SETTINGS);
      const given = setting.value.kind === 'Literal' ? setting.value.value : setting.value.kind === 'Parameter' ? rt.parameters.get(setting.value.name) : undefined;
      // Ours are always consistent, which is what either value of the other setting allows.
      if (setting.key !== 'fulltext.analyzer') continue;
      if (typeof given !== 'string') throw new DbError('ArgumentError', 'fulltext.analyzer of a full-text index is a text');
      analyzer = given;
    }
  }
  return analyzer;
}

/** An index may come before the first node with its label. */
function nameFirst(kind: 'vertex' | 'edge', label: string, rt: Runtime): void {
  if (rt.writer.catalog.strict) return;
  if (kind === 'vertex') rt.writer.labelId(label);
  else rt.writer.typeId(label);
}

function dropIndex(command: DropIndexCommand, rt: Runtime): void {
  const { writer } = rt;
  const { catalog } = writer;
  const index = command.name === undefined
    ? catalog.findIndex('vertex', command.label!, command.keys)
    : catalog.data.indexes.find((each) => each.name === command.name);
  if (index === undefined && command.name !== undefined && catalog.findText(command.name) !== undefined) {
    writer.deleteText(command.name);
    rt.stats.indexesRemoved++;
    return;
  }
  if (index === undefined) {
    if (command.ifExists) return;
    throw new DbError('IndexNotFound', command.name === undefined
      ? `VertexIndex [${command.label!}:${command.keys.join(',')}] does not exist.` : `there is no index ${command.name}`);
  }
  writer.deleteIndex({ kind: index.kind, label: labelOf(index, catalog), fields: fieldsOf(index, catalog) });
  rt.stats.indexesRemoved++;
}

function labelOf(index: IndexDef, catalog: GraphCatalog): string {
  return index.kind === 'vertex' ? catalog.labelName(index.labelId) : catalog.typeName(index.labelId);
}

function fieldsOf(index: IndexDef, catalog: GraphCatalog): string[] {
  return index.keyIds.map((key) => catalog.keyName(key));
}

function findConstraint(catalog: GraphCatalog, command: CreateConstraintCommand | DropConstraintCommand): ConstraintDef | undefined {
  return catalog.data.constraints.find((each) => (command.name !== undefined && each.name === command.name)
    || (command.label !== undefined && each.label === command.label && each.type === command.type
      && each.fields.length === command.keys.length && each.fields.every((field, i) => field === command.keys[i])));
}

function createConstraint(command: CreateConstraintCommand, rt: Runtime): void {
  const { writer } = rt;
  const { target: kind, label, keys: fields, type, propertyType } = command;
  if (findConstraint(writer.catalog, command) !== undefined && command.ifNotExists) return;
  nameFirst(kind, label, rt);
  const name = command.name ?? `constraint_${kind}_${label}_${fields.join('_')}_${type}`;
  writer.createConstraint({ name, type, kind, label, fields, ...(propertyType === undefined ? {} : { propertyType }) });
  rt.stats.constraintsAdded++;
}

function dropConstraint(command: DropConstraintCommand, rt: Runtime): void {
  const constraint = findConstraint(rt.writer.catalog, command);
  if (constraint === undefined) {
    if (command.ifExists) return;
    throw new DbError('IndexNotFound', `there is no constraint ${command.name ?? `on ${command.label ?? ''}(${command.keys.join(', ')})`}`);
  }
  rt.writer.deleteConstraint(constraint.name);
  rt.stats.constraintsRemoved++;
}

// ---- SHOW

const KINDS: Readonly<Record<string, (constraint: ConstraintDef) => boolean>> = {
  NODE: ({ kind }) => kind === 'vertex', RELATIONSHIP: ({ kind }) => kind === 'edge', REL: ({ kind }) => kind === 'edge',
  UNIQUE: ({ type }) => type === 'unique', UNIQUENESS: ({ type }) => type === 'unique', KEY: ({ type }) => type === 'node_key',
  EXIST: ({ type }) => type === 'exists', EXISTENCE: ({ type }) => type === 'exists', TYPE: ({ type }) => type === 'type',
};

export function shownColumns(command: ShowCommand, procedures: ProcedureHost): string[] {
  switch (command.what) {
    case 'indexes': return ['id', 'name', 'state', 'populationPercent', 'type', 'entityType', 'labelsOrTypes', 'properties', 'indexProvider', 'owningConstraint'];
    case 'constraints': return ['id', 'name', 'type', 'entityType', 'labelsOrTypes', 'properties', 'ownedIndex', 'propertyType'];
    case 'procedures': return ['name', 'description', 'mode', 'worksOnSystem', 'signature'];
    case 'functions': return ['name', 'category', 'description'];
    default: return procedures.find(SHOWN_BY[command.what]!)?.yields.map(({ name }) => name) ?? ['name'];
  }
}

export function shownRows(command: ShowCommand, rt: Runtime, ids: readonly Value[]): Value[][] {
  const { catalog } = rt.view;
  switch (command.what) {
    case 'indexes':
      return [...rangeRows(catalog), ...textRows(catalog)].filter((row) => command.indexKind === undefined || row[4] === command.indexKind);
    case 'constraints':
      return catalog.data.constraints.filter((each) => command.constraintKinds?.every((word) => KINDS[word]!(each)) ?? true).map((each): Value[] => [
        each.id, each.name, constraintType(each), each.kind === 'vertex' ? 'NODE' : 'RELATIONSHIP', [each.label], [...each.fields],
        each.type === 'exists' || each.type === 'type' ? null : catalog.findIndex(each.kind, each.label, each.fields)?.name ?? null, each.propertyType ?? null,
      ]);
    case 'procedures':
      return [...rt.procedures.names()].sort().map((name): Value[] => {
        const definition = rt.procedures.find(name)!;
        return [name, definition.description ?? '', procedureMode(definition.mode), definition.mode.startsWith('dbms'), signature(definition)];
      });
    case 'functions':
      return [...FUNCTION_NAMES.map((name): Value[] => [name, 'Scalar', '']), ...AGGREGATE_NAMES.map((name): Value[] => [name, 'Aggregating', ''])];
    default: {
      const definition = rt.procedures.find(SHOWN_BY[command.what]!);
      if (definition === undefined) throw new DbError('NotSupported', `${command.what === 'terminated' ? 'TERMINATE TRANSACTIONS' : `SHOW ${command.what.toUpperCase()}`} is not available here`);
      const wanted = (ids.flat() as Value[]).filter((id) => id !== null);
      const rows = [...rt.procedures.call(definition, command.what === 'terminated' ? [wanted] : [], rt.context)];
      if (command.what === 'terminated' || wanted.length === 0) return rows;
      const at = definition.yields.findIndex(({ name }) => name === (command.what === 'databases' ? 'name' : 'transactionId'));
      return rows.filter((row) => wanted.includes(row[at]!));
    }
  }
}

function rangeRows(catalog: GraphCatalog): Value[][] {
  return catalog.data.indexes.map((index): Value[] => [
    index.id, index.name, 'ONLINE', 100, 'RANGE', index.kind === 'vertex' ? 'NODE' : 'RELATIONSHIP', [labelOf(index, catalog)],
    fieldsOf(index, catalog), 'range-1.0', catalog.data.constraints.find((each) => (each.type === 'unique' || each.type === 'node_key') && index.unique
      && each.label === labelOf(index, catalog) && each.fields.join() === fieldsOf(index, catalog).join())?.name ?? null,
  ]);
}

function textRows(catalog: GraphCatalog): Value[][] {
  return catalog.texts.map((text): Value[] => [
    text.id, text.name, 'ONLINE', 100, 'FULLTEXT', text.kind === 'vertex' ? 'NODE' : 'RELATIONSHIP', catalog.textLabels(text), catalog.textFields(text), 'fulltext-1.0', null,
  ]);
}

function constraintType({ type, kind }: ConstraintDef): string {
  const entity = kind === 'vertex' ? 'NODE' : 'RELATIONSHIP';
  return type === 'unique' ? (kind === 'vertex' ? 'UNIQUENESS' : 'RELATIONSHIP_UNIQUENESS')
    : type === 'node_key' ? `${entity}_KEY` : type === 'type' ? `${entity}_PROPERTY_TYPE` : `${entity}_PROPERTY_EXISTENCE`;
}

function procedureMode(mode: string): string {
  return mode === 'read' ? 'READ' : mode === 'write' ? 'WRITE' : mode === 'schema' ? 'SCHEMA' : 'DBMS';
}

/** SHOW as a call, so that YIELD, WHERE and RETURN mean what they mean there. */
export const SHOW_PROCEDURE = ' show';

export function showQuery(command: ShowCommand): Query {
  const { start, end } = command;
  const call = {
    kind: 'Call' as const, procedure: SHOW_PROCEDURE, args: command.ids, yields: command.yields,
    yieldStar: command.yieldStar || command.yields === undefined, where: command.where, optional: false, start, end,
  };
  const clauses = command.projection === undefined ? [call] : [call, { kind: 'Return' as const, projection: command.projection, start, end }];
  return { kind: 'Query', unionAll: [], parts: [{ clauses, start, end }], start, end };
}
