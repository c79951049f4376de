/**
 * What SUCCESS messages say about a statement's result, under the names that drivers know.
 *
 * From 5.5 on notifications travel as `statuses`, GQL status objects, the first of which says how the statement ended.
 */
import type { Notification, PlanDescription, QueryStats } from '../cypher/engine.ts';
import type { QuerySummary } from '../service/api.ts';
import { Float } from '../value/value.ts';
import type { CypherMap, Value } from '../value/value.ts';
import { atLeast } from './handshake.ts';
import type { Version } from './handshake.ts';
import type { NotificationFilter } from './requests.ts';

/** A map of an object's fields, without those that are undefined. */
export function mapFrom(fields: Readonly<Record<string, Value | undefined>>): CypherMap {
  const map: CypherMap = new Map();
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) map.set(name, value);
  }
  return map;
}

export interface ResultFacts {
  readonly version: Version;
  readonly filter: NotificationFilter;
  readonly hasColumns: boolean;
  readonly hasRows: boolean;
}

/** The part of the last SUCCESS that comes from the summary. */
export function summaryMetadata(summary: QuerySummary, facts: ResultFacts): Record<string, Value | undefined> {
  const { plan, mode } = summary;
  return {
    stats: statsMap(summary.stats),
    plan: plan !== undefined && mode === 'explain' ? planMap(plan, false) : undefined,
    profile: plan !== undefined && mode === 'profile' ? planMap(plan, true) : undefined,
    ...notices(summary.notifications, facts),
  };
}

const COUNTERS: readonly (readonly [string, Exclude<keyof QueryStats, 'summary'>])[] = [
  ['nodes-created', 'nodesCreated'], ['nodes-deleted', 'nodesDeleted'],
  ['relationships-created', 'relationshipsCreated'], ['relationships-deleted', 'relationshipsDeleted'],
  ['properties-set', 'propertiesSet'], ['labels-added', 'labelsAdded'], ['labels-removed', 'labelsRemoved'],
  ['indexes-added', 'indexesAdded'], ['indexes-removed', 'indexesRemoved'],
  ['constraints-added', 'constraintsAdded'], ['constraints-removed', 'constraintsRemoved'],
];

function statsMap(stats: QueryStats): CypherMap | undefined {
  const map: CypherMap = new Map();
  for (const [name, field] of COUNTERS) if (stats[field] > 0) map.set(name, stats[field]);
  if (map.size === 0) return undefined;
  map.set('contains-updates', true);
  return map;
}

/** The shape of Neo4j's plans, as drivers read it: measured numbers both under the drivers' names and among the arguments. Times are nanoseconds. */
function planMap(plan: PlanDescription, profiled: boolean): CypherMap {
  const { rows = 0, dbHits = 0 } = plan;
  const time = Math.round((plan.timeMs ?? 0) * 1e6);
  return mapFrom({
    operatorType: plan.operator,
    identifiers: [...plan.identifiers],
    args: mapFrom({ Details: plan.details, EstimatedRows: new Float(plan.estimatedRows), ...(profiled ? { Rows: rows, DbHits: dbHits, Time: time } : {}) }),
    children: plan.children.map((child) => planMap(child, profiled)),
    ...(profiled ? { rows, dbHits, time } : {}),
  });
}

/** Of all notifications there are. */
const CATEGORY = 'GENERIC';

function notices(all: readonly Notification[], facts: ResultFacts): Record<string, Value | undefined> {
  const { severity, disabled } = facts.filter;
  const wanted = severity === 'OFF' || disabled.includes(CATEGORY) ? [] : all.filter((one) => severity === 'INFORMATION' || one.severity === 'WARNING');
  if (!atLeast(facts.version, 5, 5)) return { notifications: wanted.length === 0 ? undefined : wanted.map(notificationMap) };
  const statuses = [outcome(facts), ...wanted.map(statusMap)];
  // Weight as GQL has it: no data, then warnings, then success, then information.
  return { statuses: statuses.sort((a, b) => weight(a) - weight(b)) };
}

function position(notification: Notification): CypherMap | undefined {
  return notification.position === undefined ? undefined : mapFrom({ ...notification.position });
}

function notificationMap(one: Notification): CypherMap {
  return mapFrom({
    code: one.code, title: one.title, description: one.description, severity: one.severity, category: CATEGORY, position: position(one),
  });
}

const DIAGNOSTIC = { OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/' } as const;

function statusMap(one: Notification): CypherMap {
  const warns = one.severity === 'WARNING';
  return mapFrom({
    gql_status: warns ? '01N42' : '03N42', status_description: `${warns ? 'warn' : 'info'}: ${one.description}`,
    neo4j_code: one.code, title: one.title, description: one.description,
    diagnostic_record: mapFrom({ ...DIAGNOSTIC, _classification: CATEGORY, _severity: one.severity, _position: position(one) }),
  });
}

function outcome({ hasColumns, hasRows }: ResultFacts): CypherMap {
  const [status, words] = hasRows ? ['00000', 'note: successful completion']
    : hasColumns ? ['02000', 'note: no data'] : ['00001', 'note: successful completion - omitted result'];
  return mapFrom({ gql_status: status, status_description: words, diagnostic_record: mapFrom(DIAGNOSTIC) });
}

const WEIGHTS: Readonly<Record<string, number>> = { '02': 0, '01': 1, '00': 2, '03': 3 };

function weight(status: CypherMap): number {
  return WEIGHTS[String(status.get('gql_status')).slice(0, 2)] ?? 9;
}
