/**
 * Requests and answers between threads as flat arrays: a structured clone writes the name of every field of an object each
 * time, which for a small statement is most of the message.
 */
import type { QueryStats } from '../cypher/engine.ts';
import type { QuerySummary, RowsPart, RunReply, RunRequest } from './api.ts';

export type Flat = readonly unknown[];

export function flatRequest(request: RunRequest): Flat {
  return [
    request.graph, request.text, request.parameters, request.encoding, request.firstRows, request.user, request.timeoutMs, request.killSlot,
    request.minVersion, request.transaction, request.idempotencyKey, request.group, request.summaryRow, request.tokenIssuedMs,
  ];
}

export function requestOf(flat: Flat): RunRequest {
  const [graph, text, parameters, encoding, firstRows, user, timeoutMs, killSlot, minVersion, transaction, idempotencyKey, group, summaryRow, tokenIssuedMs] = flat as [
    string, string, Uint8Array, string, number, string, number, number, number, number | undefined, string | undefined, RunRequest['group'], boolean, number | undefined,
  ];
  return { graph, text, parameters, encoding, firstRows, user, timeoutMs, killSlot, minVersion, transaction, idempotencyKey, group, summaryRow, tokenIssuedMs };
}

export function flatReply(reply: RunReply): Flat {
  return [reply.columns, reply.version, reply.execution, reply.type, ...flatPart(reply)];
}

export function replyOf(flat: Flat): RunReply {
  const [columns, version, execution, type, ...part] = flat as [readonly string[], number, number, RunReply['type'], ...unknown[]];
  const { bytes, count, kinds, summary } = partOf(part);
  return { columns, version, execution, type, bytes, count, kinds, summary };
}

export function flatPart(part: RowsPart): Flat {
  const { summary } = part;
  if (summary === undefined) return [part.bytes, part.count, part.kinds];
  return [
    part.bytes, part.count, part.kinds, summary.version, flatStats(summary.stats), summary.plan, summary.mode,
    summary.notifications.length === 0 ? undefined : summary.notifications, summary.elapsedMs, summary.repeated,
  ];
}

export function partOf(flat: Flat): RowsPart {
  const [bytes, count, kinds] = flat as [Uint8Array, number, readonly number[] | undefined];
  return { bytes, count, kinds, summary: flat.length === 3 ? undefined : summaryOf(flat) };
}

function summaryOf(flat: Flat): QuerySummary {
  const [, , , version, stats, plan, mode, notifications, elapsedMs, repeated] = flat as [
    unknown, unknown, unknown, number, Flat, QuerySummary['plan'], QuerySummary['mode'], QuerySummary['notifications'] | undefined, number, boolean,
  ];
  return { version, stats: statsOf(stats), plan, mode, notifications: notifications ?? [], elapsedMs, repeated };
}

function flatStats(stats: QueryStats): Flat {
  return [
    stats.nodesCreated, stats.nodesDeleted, stats.relationshipsCreated, stats.relationshipsDeleted, stats.propertiesSet, stats.labelsAdded,
    stats.labelsRemoved, stats.indexesAdded, stats.indexesRemoved, stats.constraintsAdded, stats.constraintsRemoved, stats.summary,
  ];
}

function statsOf(flat: Flat): QueryStats {
  const [
    nodesCreated, nodesDeleted, relationshipsCreated, relationshipsDeleted, propertiesSet, labelsAdded, labelsRemoved, indexesAdded, indexesRemoved,
    constraintsAdded, constraintsRemoved, summary,
  ] = flat as [number, number, number, number, number, number, number, number, number, number, number, string];
  return {
    nodesCreated, nodesDeleted, relationshipsCreated, relationshipsDeleted, propertiesSet, labelsAdded, labelsRemoved, indexesAdded, indexesRemoved,
    constraintsAdded, constraintsRemoved, summary,
  };
}
