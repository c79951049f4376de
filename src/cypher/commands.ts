/**
 * Schema commands and SHOW: statements that are not queries over the graph.
 */
import { DbError } from '../base/errors.ts';
import type { BuiltIndex, ConstraintDef, GraphCatalog, IndexDef, VectorIndexSpec } from '../graph/catalog.ts';
import { constraintIndex, freeName, owningConstraint } from '../graph/schema-check.ts';
import { treesOfIndex } from '../graph/vectors/declared-trees.ts';
import type { GraphView } from '../graph/view.ts';
import { formatLiteral } from '../value/format.ts';
import type { Value } from '../value/value.ts';
import type {
  AdministrationCommand, Clause, Command, CreateConstraintCommand, CreateIndexCommand, CreateTextIndexCommand, CreateVectorIndexCommand, DropConstraintCommand, DropIndexCommand, Query, ShowCommand,
} from './ast.ts';
import { checkFullText, defaultAnalyzer } from './builtins/fulltext.ts';
import { parameter } from './exec/compile.ts';
import type { Runtime } from './exec/runtime.ts';
import { AGGREGATE_NAMES, findAggregate, findFunction, FUNCTION_NAMES } from './functions/index.ts';
import type { ProcedureHost } from './procedures.ts';
import { analyzerSetting, vectorSettings } from './index-settings.ts';
import { signature } from './semantics/check-call.ts';

export type SchemaCommand = Exclude<Command, ShowCommand | AdministrationCommand>;

/** Procedure that answers a SHOW about the server, in the host. */
const SHOWN_BY: Partial<Record<ShowCommand['what'], string>> = {
  databases: ' showDatabases', users: ' showUsers', currentUser: ' showCurrentUser', roles: ' showRoles', roleMembers: ' showRoleMembers', servers: ' showServers',
  settings: 'dbms.config.list', transactions: ' showTransactions', terminated: 'dbms.killTransactions',
  privileges: ' showPrivileges', privilegeCommands: ' showPrivilegeCommands', userPrivileges: ' showUserPrivileges', userPrivilegeCommands: ' showUserPrivilegeCommands', aliases: ' showAliases',
};

export function runSchemaCommand(written: SchemaCommand, rt: Runtime): void {
  const command = withName(written, rt);
  switch (command.kind) {
    case 'CreateIndex': createIndex(command, rt); return;
    case 'CreateTextIndex': createTextIndex(command, rt); return;
    case 'CreateVectorIndex': createVectorIndex(command, rt); return;
    case 'CreateLookupIndex': return;
    case 'DropIndex': dropIndex(command, rt); return;
    case 'CreateConstraint': createConstraint(command, rt); return;
    case 'DropConstraint': dropConstraint(command, rt);
  }
}

/** The command with its name, where that is a parameter. */
function withName(command: SchemaCommand, rt: Runtime): SchemaCommand {
  if (!('nameParameter' in command) || command.nameParameter === undefined) return command;
  const name = parameter(rt, command.nameParameter);
  if (typeof name !== 'string' || name === '') throw new DbError('TypeError', `InvalidArgumentType: a name is a String, not ${formatLiteral(name)}`, { detail: 'InvalidArgumentType' });
  return { ...command, name };
}

function createIndex(command: CreateIndexCommand, rt: Runtime): void {
  const { writer } = rt;
  const { target: kind, label, keys: fields, name } = command;
  const known = writer.catalog.findIndex(kind, label, fields)?.name ?? (name !== undefined && writer.catalog.hasIndexNamed(name) ? name : undefined);
  if (known !== undefined && command.ifNotExists) return writer.awaitIndex(known);
  nameFirst(kind, label, rt);
  writer.createIndex({ kind, label, fields, unique: false, ...(name === undefined ? {} : { name }) });
  rt.stats.indexesAdded++;
}

function createTextIndex(command: CreateTextIndexCommand, rt: Runtime): void {
  checkFullText(rt.context);
  const { writer } = rt;
  const { target: kind, labels, keys: fields, name } = command;
  const analyzer = analyzerSetting(command.options, rt) ?? defaultAnalyzer(rt.context);
  if (command.ifNotExists && writer.catalog.hasIndexNamed(name)) return writer.awaitIndex(name);
  for (const label of labels) nameFirst(kind, label, rt);
  writer.createText({ kind, name, labels, fields, analyzer });
  rt.stats.indexesAdded++;
}

function createVectorIndex(command: CreateVectorIndexCommand, rt: Runtime): void {
  const { writer } = rt;
  const { target: kind, label, key: field } = command;
  const name = command.name ?? `vector_${label}_${field}`;
  const settings = vectorSettings(command.options, rt);
  const known = writer.catalog.hasIndexNamed(name) ? name : writer.catalog.vectorIndexes.find((one) => {
    const spec = writer.catalog.vectorIndexSpec(one);
    return spec.kind === kind && spec.label === label && spec.field === field;
  })?.name;
  if (known !== undefined && command.ifNotExists) return writer.awaitIndex(known);
  nameFirst(kind, label, rt);
  writer.createVectorIndex({ kind, name, label, field, ...settings });
  rt.stats.indexesAdded++;
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
  if (index === undefined && command.name !== undefined && catalog.vectorIndexes.some(({ name }) => name === command.name)) {
    writer.deleteVectorIndex(command.name);
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
    || (command.label !== undefined && each.label === command.label && each.kind === command.target && each.type === command.type
      && each.fields.length === command.keys.length && each.fields.every((field, i) => field === command.keys[i])));
}

function createConstraint(command: CreateConstraintCommand, rt: Runtime): void {
  const { writer } = rt;
  const { target: kind, label, keys: fields, type, propertyType } = command;
  const known = findConstraint(writer.catalog, command);
  if (known !== undefined && command.ifNotExists) return writer.awaitIndex(constraintIndex(writer.catalog, known)?.name ?? known.name);
  nameFirst(kind, label, rt);
  const name = command.name ?? freeName(writer.catalog, `constraint_${kind}_${label}_${fields.join('_')}_${type}`);
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

/** Columns without YIELD, where there are more with it. */
const FIRST_COLUMNS: Partial<Record<ShowCommand['what'], readonly string[]>> = {
  indexes: ['id', 'name', 'state', 'populationPercent', 'type', 'entityType', 'labelsOrTypes', 'properties', 'indexProvider', 'owningConstraint', 'lastRead', 'readCount'],
  constraints: ['id', 'name', 'type', 'entityType', 'labelsOrTypes', 'properties', 'ownedIndex', 'propertyType'],
  procedures: ['name', 'description', 'mode', 'worksOnSystem'],
  functions: ['name', 'category', 'description'],
  databases: ['name', 'type', 'aliases', 'access', 'address', 'role', 'writer', 'requestedStatus', 'currentStatus', 'statusMessage', 'default', 'home', 'constituents'],
  servers: ['name', 'address', 'state', 'health', 'hosting'],
  transactions: ['database', 'transactionId', 'currentQueryId', 'connectionId', 'clientAddress', 'username', 'currentQuery', 'startTime', 'status', 'elapsedTime'],
};
/** What they are about is an argument of the procedure, not a condition on its rows. */
const TAKES_NAMES: readonly ShowCommand['what'][] = ['terminated', 'privileges', 'privilegeCommands', 'userPrivileges', 'userPrivilegeCommands'];
const OF_ROLES = ['rolesExecution', 'rolesBoostedExecution', 'isDeprecated', 'deprecatedBy'];

export function shownColumns(command: ShowCommand, procedures: ProcedureHost): string[] {
  switch (command.what) {
    case 'indexes': return [...FIRST_COLUMNS.indexes!, 'trackedSince', 'options', 'failureMessage', 'createStatement'];
    case 'constraints': return [...FIRST_COLUMNS.constraints!, 'options', 'createStatement'];
    case 'procedures': return [...FIRST_COLUMNS.procedures!, 'signature', 'argumentDescription', 'returnDescription', 'admin', ...OF_ROLES, 'option'];
    case 'functions': return [...FIRST_COLUMNS.functions!, 'signature', 'argumentDescription', 'returnDescription', 'isBuiltIn', 'aggregating', ...OF_ROLES];
    default: return procedures.find(SHOWN_BY[command.what]!)?.yields.map(({ name }) => name) ?? ['name'];
  }
}

export function shownRows(command: ShowCommand, rt: Runtime, ids: readonly Value[]): Value[][] {
  const { catalog } = rt.view;
  switch (command.what) {
    case 'indexes':
      return [...rangeRows(rt.view), ...textRows(rt.view), ...vectorRows(rt.view)].filter((row) => command.indexKind === undefined || row[4] === command.indexKind);
    case 'constraints':
      return catalog.data.constraints.filter((each) => command.constraintKinds?.every((word) => KINDS[word]!(each)) ?? true).map((each): Value[] => [
        each.id, each.name, constraintType(each), each.kind === 'vertex' ? 'NODE' : 'RELATIONSHIP', [each.label], [...each.fields],
        constraintIndex(catalog, each)?.name ?? null, each.propertyType ?? null,
        null, constraintStatement(each),
      ]);
    case 'procedures':
      return [...rt.procedures.names()].sort().map((name): Value[] => {
        const definition = rt.procedures.find(name)!;
        return [
          name, definition.description ?? '', procedureMode(definition.mode), definition.mode.startsWith('dbms'), signature(definition), described(definition.args), described(definition.yields),
          definition.mode === 'dbms-write', null, null, false, null, new Map<string, Value>([['deprecated', false]]),
        ];
      });
    case 'functions':
      return command.none === true ? [] : [...FUNCTION_NAMES.map((name) => functionRow(name, false)), ...AGGREGATE_NAMES.map((name) => functionRow(name, true))];
    default: {
      const definition = rt.procedures.find(SHOWN_BY[command.what]!);
      if (definition === undefined) throw new DbError('NotSupported', `${command.what === 'terminated' ? 'TERMINATE TRANSACTIONS' : `SHOW ${command.what.replace(/[A-Z]/g, ' $&').toUpperCase()}`} is not available here`);
      const wanted = (ids.flat() as Value[]).filter((id) => id !== null);
      const takesNames = TAKES_NAMES.includes(command.what);
      const rows = [...rt.procedures.call(definition, takesNames ? [wanted] : [], rt.context)];
      if (takesNames) return rows;
      if (command.populated === true) return rows.filter((row) => row[definition.yields.length] === true).map((row) => row.slice(0, -1));
      if (wanted.length === 0) return rows;
      const at = definition.yields.findIndex(({ name }) => name === (command.what === 'transactions' ? 'transactionId' : 'name'));
      return rows.filter((row) => wanted.includes(row[at]!));
    }
  }
}

/** The columns `state` and `populationPercent` of an index; undefined: it has nothing to be built. */
function progress(view: GraphView, index: BuiltIndex | undefined): [string, number] {
  return index === undefined ? ['ONLINE', 100] : [index.isUnfinished === true ? 'POPULATING' : 'ONLINE', Math.floor(view.builtShare(index) * 100)];
}

function rangeRows(view: GraphView): Value[][] {
  const { catalog } = view;
  return catalog.data.indexes.map((index): Value[] => [
    index.id, index.name, ...progress(view, index), 'RANGE', index.kind === 'vertex' ? 'NODE' : 'RELATIONSHIP', [labelOf(index, catalog)],
    fieldsOf(index, catalog), 'range-1.0', owningConstraint(catalog, index)?.name ?? null,
    null, null, null, new Map(), '', indexStatement(index.name, 'RANGE', index.kind, [labelOf(index, catalog)], fieldsOf(index, catalog)),
  ]);
}

function textRows(view: GraphView): Value[][] {
  const { catalog } = view;
  return catalog.texts.map((text): Value[] => [
    text.id, text.name, ...progress(view, text), 'FULLTEXT', text.kind === 'vertex' ? 'NODE' : 'RELATIONSHIP', catalog.textLabels(text), catalog.textFields(text), 'fulltext-1.0', null,
    null, null, null, new Map(), '', indexStatement(text.name, 'FULLTEXT', text.kind, catalog.textLabels(text), catalog.textFields(text)),
  ]);
}

function vectorRows(view: GraphView): Value[][] {
  const { catalog } = view;
  return catalog.vectorIndexes.map((one): Value[] => {
    const tree = treesOfIndex(one).map((of) => catalog.findVectorTree(of))[0];
    const spec = catalog.vectorIndexSpec(one);
    const config = new Map<string, Value>([...(spec.dimensions === undefined ? [] : [['vector.dimensions', spec.dimensions] as const]), ['vector.similarity_function', spec.similarity.toUpperCase()]]);
    return [
      one.id, one.name, ...progress(view, tree), 'VECTOR', spec.kind === 'vertex' ? 'NODE' : 'RELATIONSHIP', [spec.label], [spec.field], 'vector-2.0', null,
      null, null, null, new Map<string, Value>([['indexProvider', 'vector-2.0'], ['indexConfig', config]]), '', vectorStatement(spec),
    ];
  });
}

function vectorStatement({ name, kind, label, field, dimensions, similarity }: VectorIndexSpec): string {
  const settings = [...(dimensions === undefined ? [] : [`\`vector.dimensions\`: ${dimensions}`]), `\`vector.similarity_function\`: '${similarity}'`].join(', ');
  return `CREATE VECTOR INDEX ${quoted(name)} FOR ${entityText(kind, [label])} ON (n.${quoted(field)}) OPTIONS {indexConfig: {${settings}}}`;
}

function constraintType({ type, kind }: ConstraintDef): string {
  const entity = kind === 'vertex' ? 'NODE' : 'RELATIONSHIP';
  return type === 'unique' ? (kind === 'vertex' ? 'UNIQUENESS' : 'RELATIONSHIP_UNIQUENESS')
    : type === 'node_key' ? `${entity}_KEY` : type === 'type' ? `${entity}_PROPERTY_TYPE` : `${entity}_PROPERTY_EXISTENCE`;
}

function entityText(kind: 'vertex' | 'edge', labels: readonly string[]): string {
  const names = labels.map(quoted).join('|');
  return kind === 'vertex' ? `(n:${names})` : `()-[n:${names}]-()`;
}

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The command that makes such an index again. */
function indexStatement(name: string, type: 'RANGE' | 'FULLTEXT', kind: 'vertex' | 'edge', labels: readonly string[], fields: readonly string[]): string {
  const keys = fields.map((field) => `n.${quoted(field)}`).join(', ');
  return `CREATE ${type} INDEX ${quoted(name)} FOR ${entityText(kind, labels)} ON ${type === 'RANGE' ? `(${keys})` : `EACH [${keys}]`}`;
}

function constraintStatement({ name, type, kind, label, fields, propertyType }: ConstraintDef): string {
  const keys = fields.map((field) => `n.${quoted(field)}`).join(', ');
  const rule = type === 'unique' ? 'IS UNIQUE' : type === 'node_key' ? `IS ${kind === 'vertex' ? 'NODE' : 'RELATIONSHIP'} KEY` : type === 'type' ? `IS :: ${propertyType ?? ''}` : 'IS NOT NULL';
  return `CREATE CONSTRAINT ${quoted(name)} FOR ${entityText(kind, [label])} REQUIRE (${keys}) ${rule}`;
}

function functionRow(name: string, aggregating: boolean): Value[] {
  const scalar = aggregating ? undefined : findFunction(name);
  const { minArgs } = aggregating ? findAggregate(name)! : scalar!;
  const args = scalar?.accepts?.map((kinds, i) => ({ name: i < minArgs ? `input${i + 1}` : `input${i + 1}?`, type: kinds.join(' | ') }))
    ?? Array.from({ length: minArgs }, (_, i) => ({ name: `input${i + 1}`, type: 'ANY' }));
  const returns = scalar?.returns ?? 'ANY';
  return [
    name, aggregating ? 'Aggregating' : 'Scalar', '', `${name}(${args.map((arg) => `${arg.name} :: ${arg.type}`).join(', ')}) :: ${returns}`, described(args), returns,
    true, aggregating, null, null, false, null,
  ];
}

function described(columns: readonly { readonly name: string; readonly type: string }[]): Value {
  return columns.map(({ name, type }) => new Map<string, Value>([['name', name], ['type', type], ['description', `${name} :: ${type}`], ['isDeprecated', false]]));
}

function procedureMode(mode: string): string {
  return mode === 'read' ? 'READ' : mode === 'write' ? 'WRITE' : mode === 'schema' ? 'SCHEMA' : 'DBMS';
}

/** SHOW as a call, so that YIELD, WHERE and RETURN mean what they mean there. */
export const SHOW_PROCEDURE = ' show';

/** A command for users, roles or databases as the call that it is. */
export function administrationQuery({ procedure, args, start, end }: AdministrationCommand): Query {
  const call = { kind: 'Call' as const, procedure, args, yields: undefined, yieldStar: false, where: undefined, optional: false, start, end };
  return { kind: 'Query', unionAll: [], parts: [{ clauses: [call], start, end }], start, end };
}

export function showQuery(command: ShowCommand): Query {
  const { start, end } = command;
  const yields = command.yields ?? (command.yieldStar ? undefined : FIRST_COLUMNS[command.what]?.map((column) => ({ column, variable: column, start, end })));
  const call = {
    kind: 'Call' as const, procedure: SHOW_PROCEDURE, args: command.ids, yields,
    yieldStar: command.yieldStar || yields === undefined, where: command.ordered === undefined ? command.where : undefined, optional: false, start, end,
  };
  const { ordered } = command;
  const clauses: Clause[] = [call];
  if (ordered !== undefined) clauses.push({ kind: 'With', projection: ordered, where: command.where, start, end });
  const projection = command.projection ?? (ordered === undefined ? undefined : { ...ordered, orderBy: [], skip: undefined, limit: undefined });
  if (projection !== undefined) clauses.push({ kind: 'Return', projection, start, end });
  return { kind: 'Query', unionAll: [], parts: [{ clauses, start, end }], start, end };
}
