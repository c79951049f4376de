/** `dbms.*` about the server and its group, and `dbms.graph.*`. Columns are TuGraph's where it has the procedure. */
import { DbError } from '../../base/errors.ts';
import { DEFAULT_GRAPH } from '../../auth/first-start.ts';
import { checkName } from '../../graph/catalog.ts';
import type { GraphInfo } from '../../graph/system.ts';
import { Duration } from '../../value/duration.ts';
import { Float } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { accessLevel } from '../access.ts';
import type { TaskInfo } from '../api.ts';
import type { CallContext } from '../call-context.ts';
import { LIVE_OPTIONS } from '../live-config.ts';
import { peerFacts, peerRows, sortedPeers } from '../peer-rows.ts';
import { mapArg, procedure, textArg, toValue } from './define.ts';

const NONE: Value[][] = [];

function graphRow(graph: GraphInfo): Value[] {
  return [graph.name, toValue({ description: graph.description, max_size_GB: graph.maxSizeGB })];
}

function findGraph(call: CallContext, name: string): GraphInfo {
  const graph = call.system.graphs.find((one) => one.name === name);
  if (graph === undefined) throw new DbError('GraphNotFound', `graph [${name}] does not exist.`);
  return graph;
}

/** The graphs one may see, as Neo4j's tools read them: this server with each. */
export function databaseRows(call: CallContext): Value[][] {
  const { status } = call.group;
  const address = status.peers.find((peer) => peer.isSelf)?.boltAddress ?? '';
  return call.system.graphs.filter((graph) => accessLevel(call.system, call.user, graph.name) !== 'NONE').map(({ name }) => [
    name, 'standard', [], 'read-write', address, 'primary', status.role === 'leader', 'online', 'online', '', name === DEFAULT_GRAPH, name === DEFAULT_GRAPH, [],
  ]);
}

const GRAPH_SIZE_GB_MAX = 16_384;

function checkedSize(sizeGB: number): number {
  if (sizeGB >= 1 && sizeGB <= GRAPH_SIZE_GB_MAX) return sizeGB;
  throw new DbError('ArgumentError', `Invalid value for max_size_GB: must be between 1 and ${GRAPH_SIZE_GB_MAX}, given ${sizeGB}`);
}

export function createGraph(call: CallContext, name: string, description = '', maxSizeGB = 4096, strict = false): void {
  call.requireAdmin('Non-admin cannot create graphs.');
  checkName('Graph', name);
  if (call.system.graphs.some((one) => one.name === name)) throw new DbError('GraphExists', `graph [${name}] already exist.`);
  if (call.system.graphs.length >= call.graphsMax) {
    throw new DbError('ArgumentError', `there are ${call.system.graphs.length} graphs, no more are allowed`, { hint: 'delete one, or raise max_graphs on all servers' });
  }
  call.transaction.changeSystem({ kind: 'createGraph', name, description, maxSizeGB: checkedSize(maxSizeGB), strict });
  const admin = call.system.roles.admin;
  if (admin !== undefined) {
    call.transaction.changeSystem({ kind: 'setRole', name: 'admin', role: { ...admin, permissions: { ...admin.permissions, [name]: 'FULL' } } });
  }
}

export function deleteGraph(call: CallContext, wanted: string): void {
  call.requireAdmin('Non-admin cannot delete graphs.');
  const { name } = findGraph(call, wanted);
  if (name === 'default') throw new DbError('ArgumentError', 'the graph default cannot be deleted', { hint: 'CALL db.dropDB() empties it' });
  call.transaction.changeSystem({ kind: 'deleteGraph', name });
  for (const [roleName, role] of Object.entries(call.system.roles)) {
    if (role.permissions[name] === undefined && role.fieldPermissions[name] === undefined) continue;
    const { [name]: _level, ...permissions } = role.permissions;
    const { [name]: _fields, ...fieldPermissions } = role.fieldPermissions;
    call.transaction.changeSystem({ kind: 'setRole', name: roleName, role: { ...role, permissions, fieldPermissions } });
  }
}

const graphs = [
  procedure('dbms.graph.createGraph', 'graph_name:STRING, description?:STRING, max_size_GB?:INTEGER, strict?:BOOLEAN', '', 'dbms-write',
    'creates a graph; strict: as in TuGraph, undeclared labels are errors', (args, call) => {
      const size = args[2] ?? null;
      createGraph(call, textArg(args, 0, 'graph_name'), typeof args[1] === 'string' ? args[1] : '', typeof size === 'number' ? size : 4096, args[3] === true);
      return NONE;
    }),
  procedure('dbms.graph.deleteGraph', 'graph_name:STRING', '', 'dbms-write', 'deletes a graph with all its data', (args, call) => {
    deleteGraph(call, textArg(args, 0, 'graph_name'));
    return NONE;
  }),
  procedure('dbms.graph.modGraph', 'graph_name:STRING, config:MAP', '', 'dbms-write', "changes a graph's description or size", (args, call) => {
    call.requireAdmin('Non-admin cannot modify graphs.');
    const { name } = findGraph(call, textArg(args, 0, 'graph_name'));
    const change: { description?: string; maxSizeGB?: number } = {};
    for (const [key, value] of mapArg(args, 1, 'config')) {
      if (key === 'description' && typeof value === 'string') change.description = value;
      else if (key === 'max_size_GB') {
        if (typeof value !== 'number') throw new DbError('ArgumentError', 'Invalid value for max_size_GB: must be integer');
        change.maxSizeGB = checkedSize(value);
      } else throw new DbError('ArgumentError', `Invalid config key: ${key}`);
    }
    call.transaction.changeSystem({ kind: 'modifyGraph', name, ...change });
    return NONE;
  }),
  procedure('dbms.graph.listGraphs', '', 'graph_name:STRING, configuration:MAP', 'dbms-read', 'all graphs', (_, call) => {
    call.requireAdmin('Non-admin user cannot list graphs.');
    return call.system.graphs.map(graphRow);
  }),
  procedure('dbms.listDatabases', '',
    'name:STRING, type:STRING, aliases:LIST, access:STRING, address:STRING, role:STRING, writer:BOOLEAN, requestedStatus:STRING, currentStatus:STRING, statusMessage:STRING, default:BOOLEAN, home:BOOLEAN, constituents:LIST',
    'dbms-read', 'the graphs one may see, as SHOW DATABASES has them', (_, call) => databaseRows(call)),
  procedure('dbms.graph.listUserGraphs', 'user:STRING', 'graph_name:STRING, configuration:MAP', 'dbms-read', 'the graphs a user may see', (args, call) => {
    const name = textArg(args, 0, 'user');
    if (name !== call.user) call.requireAdmin();
    if (call.system.users[name] === undefined) throw new DbError('UserNotFound', `User [${name}] does not exist.`);
    return call.system.graphs.filter((graph) => accessLevel(call.system, name, graph.name) !== 'NONE').map(graphRow);
  }),
  procedure('dbms.graph.getGraphInfo', 'graph_name:STRING', 'graph_name:STRING, configuration:MAP', 'dbms-read', 'one graph', (args, call) => {
    const graph = findGraph(call, textArg(args, 0, 'graph_name'));
    if (accessLevel(call.system, call.user, graph.name) === 'NONE') throw new DbError('Forbidden', 'User does not have access to the graph specified.');
    return [graphRow(graph)];
  }),
];

/** One's own, or an admin all. */
export function visibleTasks(call: CallContext): readonly TaskInfo[] {
  return call.group.tasks.filter((task) => call.isAdmin || task.user === call.user);
}

export function milliseconds(ms: number): Value {
  return Duration.of(0, 0, Math.floor(ms / 1000), Math.floor(ms % 1000) * 1_000_000);
}

const group = [
  procedure('dbms.ha.clusterInfo', '', 'cluster_info:LIST, is_master:BOOLEAN', 'dbms-read', 'the servers of the group', (_, call) => {
    const { status } = call.group;
    if (!status.enabled) throw new DbError('InvalidRequest', 'The service should be started as a high availability cluster .', { hint: 'start it with --enable_ha true' });
    return [[toValue(sortedPeers(status.peers).map(peerFacts)), status.role === 'leader']];
  }),
  procedure('dbms.listServers', '',
    'rpc_address:STRING, rest_address:STRING, bolt_address:STRING, state:STRING, ha_role:STRING, role:STRING, voter:BOOLEAN, term:INTEGER, commit_index:INTEGER, applied_index:INTEGER, lag:INTEGER, last_contact_ms:INTEGER, version:STRING, note:STRING',
    'dbms-read', 'the servers of the group with their state', (_, call) => {
      return peerRows(call.group.status).map((row) => [
        row.rpc_address, row.rest_address, row.bolt_address, row.state, row.ha_role, row.role, row.voter, row.term,
        row.commit_index, row.applied_index, row.lag, row.last_contact_ms, row.version, row.note,
      ]);
    }),
  procedure('dbms.ha.checksum', '', 'version:INTEGER, checksum:STRING', 'dbms-read', 'the data version and the checksum of the whole state at it',
    (_, call) => [[call.version, call.checksum]]),
  procedure('dbms.config.list', '', 'name:STRING, value:ANY', 'dbms-read', 'the options this server runs with', (_, call) =>
    [...call.group.config].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, value])),
  procedure('dbms.listConfig', 'searchString?:STRING', 'name:STRING, description:STRING, value:STRING, dynamic:BOOLEAN', 'dbms-read', 'the options whose names hold a text, as Neo4j lists them', (args, call) => {
    const wanted = typeof args[0] === 'string' ? args[0].toLowerCase() : '';
    return [...call.group.config].filter(([name]) => name.includes(wanted)).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, '', String(value), Object.hasOwn(LIVE_OPTIONS, name)]);
  }),
  procedure('dbms.components', '', 'name:STRING, versions:LIST, edition:STRING', 'dbms-read', 'this server, as Neo4j clients ask for it', (_, call) => [
    ['lgraph', [call.group.serverVersion], 'community'],
  ]),
  procedure('dbms.system.info', '', 'name:STRING, value:ANY', 'dbms-read', 'this server', (_, call) => [
    ['lgraph_version', call.group.serverVersion], ['up_time', new Float(call.group.upSeconds)], ['git_branch', ''], ['git_commit', ''], ['web_commit', ''],
    ['cpp_id', ''], ['cpp_version', ''], ['python_version', ''], ['node_version', process.version],
  ]),
  procedure('dbms.task.terminateTask', 'task_id:STRING', '', 'dbms-read', 'ends a statement that runs on this server', (args, call) => {
    call.requireAdmin();
    call.killTask(textArg(args, 0, 'task_id'));
    return NONE;
  }),
  procedure('dbms.listTransactions', '', 'transactionId:STRING, username:STRING, currentQuery:STRING, status:STRING, elapsedTime:ANY', 'dbms-read', 'the statements that run on this server, as SHOW TRANSACTIONS has them', (_, call) =>
    visibleTasks(call).map((task) => [task.taskId, task.user, task.description.replace(/^\[CYPHER\] /, ''), 'Running', milliseconds(task.elapsedMs)])),
  procedure('dbms.killTransactions', 'ids:LIST', 'transactionId:STRING, username:STRING, message:STRING', 'dbms-read', 'ends statements that run on this server, as TERMINATE TRANSACTIONS does', (args, call) =>
    (Array.isArray(args[0]) ? args[0] : []).map((id) => {
      const task = visibleTasks(call).find(({ taskId }) => taskId === id);
      if (task === undefined) return [id, null, 'Transaction not found.'];
      call.killTask(task.taskId);
      return [id, task.user, 'Transaction terminated.'];
    })),
  procedure('dbms.task.listTasks', '', 'tasks_info:MAP', 'dbms-read', 'the statements that run on this server', (_, call) =>
    visibleTasks(call).map((task) => [
      toValue({ description: task.description, task_id: task.taskId, time_elapsed: null }),
    ].map((map) => {
      (map as Map<string, Value>).set('time_elapsed', new Float(task.elapsedMs / 1000));
      return map;
    }))),
];

export const serverProcedures = [...graphs, ...group];
