/**
 * Plans as data and as text, for EXPLAIN and PROFILE. Expressions are shown as they were written.
 */
import { covered } from '../../base/redact.ts';
import type { PlanDescription } from '../context.ts';
import type { Expression, LabelExpression } from '../ast.ts';
import type { Profile } from '../exec/profile.ts';
import type { Lookup, PlanNode, RelationshipStep, Scoped } from './plan.ts';

export interface DescribeOptions {
  readonly source: string;
  readonly profile: Profile | undefined;
  /** The operator that threads share which have nothing else to do. */
  readonly shared?: PlanNode | undefined;
}

export function describePlan(node: PlanNode, options: DescribeOptions): PlanDescription {
  const inputs = inputsOf(node).filter((input) => input.op !== 'Argument');
  const measured = options.profile?.of(node);
  const { operator, details } = label(node, options.source);
  return {
    operator, details: node === options.shared ? `${details} in parts` : details, identifiers: identifiersOf(node), estimatedRows: Math.round(node.rows * 100) / 100,
    ...(measured === undefined ? {} : { rows: measured.rows, timeMs: Math.round(measured.ms * 1000) / 1000, dbHits: measured.hits }),
    children: inputs.map((input) => describePlan(input, options)),
  };
}

function inputsOf(node: PlanNode): PlanNode[] {
  switch (node.op) {
    case 'Argument': case 'StoredCount': case 'StoredTypes': return [];
    case 'Union': return node.inputs.map(({ plan }) => plan);
    case 'Optional': case 'Product': case 'CallSubquery': case 'Foreach': return [node.input, node.right];
    case 'Merge': return [node.input, node.match];
    default: return [node.input];
  }
}

/** The variables that have a value in the operator's rows. */
function identifiersOf(node: PlanNode): string[] {
  const names = new Set<string>();
  const add = (...more: (string | undefined)[]): void => {
    for (const name of more) if (name !== undefined && shown(name) !== '') names.add(name);
  };
  switch (node.op) {
    // What begins new rows.
    case 'Project': add(...node.items.map(({ name }) => name)); return [...names];
    case 'Aggregate': add(...node.keys.map(({ name }) => name), ...node.aggregates.map(({ name }) => name)); return [...names];
    case 'StoredCount': return [node.column];
    case 'StoredTypes': return [node.key, ...node.counts].map(({ name }) => name);
    case 'Argument': return node.env.names.filter((name) => !node.pass && node.env.slot(name)! < node.env.inherited);
    case 'Union': return identifiersOf(node.inputs[0]!.plan);
    default:
  }
  for (const input of inputsOf(node)) if (node.op !== 'Foreach' || input !== node.right) add(...identifiersOf(input));
  switch (node.op) {
    case 'AllNodes': case 'LabelScan': case 'LabelsScan': case 'IdSeek': case 'UnionSeek': case 'IndexSeek': case 'IndexRange': add(node.name); break;
    case 'Expand': case 'VarExpand': add(node.fromName, node.relationshipName, node.toName); break;
    case 'Repeat': add(node.fromName, ...node.lists.map(({ name }) => name), node.toName); break;
    case 'PathSearch': add(node.fromName, ...node.variables.map(({ name }) => name), node.toName); break;
    case 'RelationshipSeek': add(node.name); break;
    case 'Endpoints': add(node.relationshipName); break;
    case 'BuildPath': case 'Unwind': add(node.name); break;
    case 'CallSubquery': case 'ProcedureCall': add(...node.columns.map(({ name }) => name)); break;
    case 'Merge': add(...node.found.map(({ name }) => name)); break;
    default:
  }
  return [...names];
}

function label(node: PlanNode, source: string): { operator: string; details: string } {
  const text = (scoped: Scoped): string => expressionText(scoped.expression, source);
  const list = (items: readonly Scoped[]): string => items.map(text).join(', ');
  const scanned = (name: string, labels: readonly string[], filters: readonly Scoped[]): string => (
    `${shown(name)}${labels.map((each) => `:${each}`).join('')}${where(filters.map(text))}`);
  switch (node.op) {
    case 'Argument': return { operator: 'Argument', details: '' };
    case 'AllNodes': return { operator: 'All Node Scan', details: scanned(node.name, node.labels, node.filters) };
    case 'LabelScan': return { operator: 'Node By Label Scan', details: scanned(node.name, [node.label, ...node.labels], node.filters) };
    case 'LabelsScan': return { operator: 'Node By Labels Scan', details: `${shown(node.name)}:${[labelText(node.expression, source), ...node.labels].join(':')}${where(node.filters.map(text))}` };
    case 'IdSeek': return { operator: 'Node By Id Seek', details: `${scanned(node.name, node.labels, node.filters)} ${sought(node, source)}` };
    case 'UnionSeek': return { operator: 'Node Union Seek', details: `${scanned(node.name, node.labels, node.filters)} by ${sought(node, source)}` };
    case 'IndexSeek': return {
      operator: node.index.unique ? 'Node Unique Index Seek' : 'Node Index Seek',
      details: `${shown(node.name)}:${[node.label, ...node.labels].join(':')}(${sought(node, source)})${where(node.filters.map(text))}`,
    };
    case 'IndexRange': {
      const order = node.descending === undefined ? '' : ` ORDER BY ${node.keys[node.equal.length] ?? ''}${node.descending ? ' DESC' : ''}`;
      return { operator: 'Node Index Range', details: `${shown(node.name)}:${node.label}(${sought(node, source)})${where(node.filters.map(text))}${order}` };
    }
    case 'RelationshipSeek': {
      const { by, name } = node;
      if (by.op === 'UnionSeek') return { operator: 'Relationship Union Seek', details: `${shown(name)} by ${sought(by, source)}` };
      if (by.op === 'IdSeek') return { operator: 'Relationship By Id Seek', details: `${shown(name)} ${sought(by, source)}` };
      const operator = by.op === 'IndexRange' ? 'Relationship Index Range' : by.index.unique ? 'Relationship Unique Index Seek' : 'Relationship Index Seek';
      return { operator, details: `${shown(name)}:${by.label}(${sought(by, source)})` };
    }
    case 'Expand':
      return { operator: node.into ? 'Expand(Into)' : 'Expand(All)', details: arrow(node, '', source) + where(node.filters.map(text)) };
    case 'VarExpand': {
      const max = node.max >= 1_000_000 ? '' : String(node.max);
      const operator = node.distinctEnds && node.min <= 1 && !node.into ? 'Var Length Expand(Reachable)' : `Var Length Expand(${node.into ? 'Into' : 'All'})`;
      return { operator, details: arrow(node, `*${node.min}..${max}`, source) + where(node.filters.map(text)) };
    }
    case 'Repeat': return { operator: node.into ? 'Repeat(Into)' : 'Repeat(Trail)', details: `(${shown(node.fromName)}) ${source.slice(node.start, node.end).replace(/\s+/g, ' ')} (${shown(node.toName)}${node.labels.map((each) => `:${each}`).join('')})${where(node.filters.map(text))}` };
    case 'Endpoints': return { operator: 'Relationship Endpoints', details: `${shown(node.relationshipName)}${where(node.filters.map(text))}` };
    case 'ShortestPath':
      return { operator: node.all ? 'All Shortest Paths' : 'Shortest Path', details: node.details + where(node.filters.map(text)) };
    case 'PathSearch':
      return { operator: node.into ? 'Path Search(Into)' : 'Path Search(All)', details: `from ${shown(node.fromName)}: ${source.slice(node.start, node.end).replace(/\s+/g, ' ')}${where(node.filters.map(text))}` };
    case 'BuildPath': return { operator: 'Path', details: node.name };
    case 'Filter': return { operator: 'Filter', details: node.predicates.map(text).join(' AND ') };
    case 'Project': return { operator: 'Project', details: node.items.map((item) => named(text(item), item.name)).join(', ') };
    case 'Aggregate': {
      const aggregates = node.aggregates.map((item) => (
        `${item.function}(${item.distinct ? 'DISTINCT ' : ''}${item.args.length === 0 ? '*' : list(item.args)})`));
      return { operator: 'Aggregate', details: [...node.keys.map((item) => named(text(item), item.name)), ...aggregates].join(', ') };
    }
    case 'Distinct': return { operator: 'Distinct', details: '' };
    case 'Sort': {
      const keys = node.keys.map((key) => `${text(key)} ${key.descending ? 'DESC' : 'ASC'}`).join(', ');
      return node.limit === undefined ? { operator: 'Sort', details: keys } : { operator: 'Top', details: `${keys} LIMIT ${text(node.limit)}` };
    }
    case 'Skip': return { operator: 'Skip', details: text(node.count) };
    case 'Limit': return { operator: 'Limit', details: text(node.count) };
    case 'Unwind': return { operator: 'Unwind', details: `${text(node.list)} AS ${node.name}` };
    case 'Optional': return { operator: 'Optional', details: '' };
    case 'Product':
      return node.keys.length === 0 ? { operator: 'Cartesian Product', details: '' }
        : { operator: 'Hash Join', details: node.keys.map(({ left, right }) => `${text(left)} = ${text(right)}`).join(' AND ') };
    case 'CallSubquery': return { operator: 'Subquery', details: node.columns.map(({ name }) => name).join(', ') };
    case 'Union': return { operator: node.distinct ? 'Union' : 'Union All', details: '' };
    case 'ProcedureCall': return { operator: 'Procedure Call', details: covered(`${node.definition.name}(${list(node.args ?? [])})`) };
    case 'LoadCsv': return { operator: 'Load CSV', details: text(node.url) };
    case 'Create': return { operator: 'Create', details: `${node.creations.filter(({ kind }) => kind !== 'path').length} entities` };
    case 'Merge': return { operator: 'Merge', details: node.found.map(({ name }) => name).join(', ') };
    case 'Set': return { operator: 'Set', details: node.items.map(({ item }) => source.slice(item.start, item.end)).join(', ') };
    case 'Remove': return { operator: 'Remove', details: node.items.map(({ item }) => source.slice(item.start, item.end)).join(', ') };
    case 'Delete': return { operator: node.detach ? 'Detach Delete' : 'Delete', details: list(node.items) };
    case 'Foreach': return { operator: 'Foreach', details: `${node.name} IN ${text(node.list)}` };
    case 'Eager': return { operator: 'Eager', details: '' };
    case 'Drain': return { operator: 'Empty Result', details: '' };
    case 'StoredCount': return { operator: 'Stored Count', details: `${node.kind}${node.name === undefined ? '' : ` :${node.name}`}` };
    case 'StoredTypes': return { operator: 'Stored Count', details: 'relationships by type' };
  }
}

/** What is looked for: ids, or values of properties. */
function sought(by: Lookup, source: string): string {
  const text = ({ expression }: Scoped): string => expressionText(expression, source);
  if (by.op === 'UnionSeek') return by.of.map((each) => (each.op === 'IdSeek' ? sought(each, source) : `${'label' in each ? `:${each.label}` : ''}(${sought(each, source)})`)).join(' or ');
  if (by.op === 'IdSeek') return `${by.function} ${by.list ? 'IN' : '='} ${text(by.ids)}`;
  if (by.op === 'IndexSeek') return by.values.map((value, i) => `${by.keys[i]!} ${by.list && i === by.values.length - 1 ? 'IN' : '='} ${text(value)}`).join(', ');
  const parts = by.equal.map((value, i) => `${by.keys[i]!} = ${text(value)}`);
  const key = by.keys[by.equal.length] ?? '';
  if (by.lower !== undefined) parts.push(`${key} ${by.lower.inclusive ? '>=' : '>'} ${text(by.lower.value)}`);
  if (by.upper !== undefined) parts.push(`${key} ${by.upper.inclusive ? '<=' : '<'} ${text(by.upper.value)}`);
  if (by.prefix !== undefined) parts.push(`${key} STARTS WITH ${text(by.prefix)}`);
  return parts.length === 0 && by.descending === undefined ? `${key} IS NOT NULL` : parts.join(', ');
}

function where(filters: readonly string[]): string {
  return filters.length === 0 ? '' : ` WHERE ${filters.join(' AND ')}`;
}

/** The planner's own names begin with a space and are not shown. */
function shown(name: string): string {
  return name.startsWith(' ') ? '' : name;
}

function named(text: string, name: string): string {
  return text === name ? text : `${text} AS ${name}`;
}

function arrow(step: RelationshipStep, length: string, source: string): string {
  const inside = `${shown(step.relationshipName)}${step.types === undefined ? '' : `:${labelText(step.types, source)}`}${length}`;
  const body = inside === '' ? '--' : `-[${inside}]-`;
  const labels = step.labels.map((each) => `:${each}`).join('');
  return `(${shown(step.fromName)})${step.direction === 'in' ? '<' : ''}${body}${step.direction === 'out' ? '>' : ''}(${shown(step.toName)}${labels})`;
}

function labelText(labels: LabelExpression, source: string): string {
  switch (labels.kind) {
    case 'Label': return labels.name;
    case 'Any': return '%';
    case 'Dynamic': return `$${labels.of === 'any' ? 'any' : ''}(${expressionText(labels.expression, source)})`;
    case 'Not': return `!${labelText(labels.item, source)}`;
    case 'And': return labels.items.map((item) => labelText(item, source)).join('&');
    case 'Or': return labels.items.map((item) => labelText(item, source)).join('|');
  }
}

function expressionText(e: Expression, source: string): string {
  // What the planner made up itself is written out; the rest is quoted.
  switch (e.kind) {
    case 'Variable': return shown(e.name);
    case 'Property': return `${expressionText(e.target, source)}.${e.key}`;
    case 'Binary': return `${expressionText(e.left, source)} ${e.op} ${expressionText(e.right, source)}`;
    case 'List': return `[${e.items.map((item) => expressionText(item, source)).join(', ')}]`;
    case 'IsNull': return `${expressionText(e.operand, source)} IS ${e.negated ? 'NOT ' : ''}NULL`;
    case 'HasLabels': return `${expressionText(e.operand, source)}:${labelText(e.labels, source)}`;
    default: return source.slice(e.start, e.end).replace(/\s+/g, ' ');
  }
}

/** One operator per line, inputs indented below. */
export function planText(plan: PlanDescription, depth = 0): string {
  const measured = plan.rows === undefined ? '' : `, rows: ${plan.rows}, hits: ${plan.dbHits ?? 0}, ms: ${plan.timeMs ?? 0}`;
  const numbers = ` {estimated: ${Number(plan.estimatedRows.toPrecision(3))}${measured}}`;
  const line = `${'    '.repeat(depth)}${plan.operator}${plan.details === '' ? '' : ` [${plan.details}]`}${numbers}\n`;
  return line + plan.children.map((child) => planText(child, depth + 1)).join('');
}
