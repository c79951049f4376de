/**
 * TuGraph's procedures that a server of this design answers in its own way: live configuration, the second Raft group of Bolt,
 * monitoring, import, and code in C++ and Python, which there is none of. Columns and texts are TuGraph's.
 */
import { DbError } from '../../base/errors.ts';
import { execute, prepare, type ExecContext } from '../../cypher/engine.ts';
import type { Value } from '../../value/value.ts';
import type { CallContext } from '../call-context.ts';
import { cpuInfo, dataSpace, diskRateInfo, memoryInfo } from '../host-info.ts';
import { changedLive, FIXED_OPTIONS, LIVE_SETTING } from '../live-config.ts';
import { mapArg, procedure, textArg, type ServerProcedure } from './define.ts';
import { sortedPeers } from '../peer-rows.ts';

const NONE: Value[][] = [];
function updateConfig(args: Value[], call: CallContext): Value[][] {
  call.requireAdmin();
  const config = new Map(call.group.config);
  const live: [string, unknown][] = [];
  for (const [key, value] of mapArg(args, 0, 'updates')) {
    if (!FIXED_OPTIONS.includes(key)) {
      live.push([key, value]);
      continue;
    }
    if (typeof value !== 'boolean') throw new DbError('ArgumentError', `Option ${key} must be BOOL type.`);
    if ((config.get(key) ?? false) === value) continue;
    throw new DbError('NotSupported', `the option ${key} cannot be changed while the server runs`, { hint: `set it in the configuration of each server and start it again` });
  }
  const changed = changedLive(call.system, live);
  if (live.length > 0) call.transaction.changeSystem({ kind: 'setSetting', name: LIVE_SETTING, value: changed });
  return NONE;
}

/** Bolt shares the one log: its Raft nodes are the servers of the group, numbered by 48 bits of their ids. */
function raftNodes(call: CallContext): Value[][] {
  const { status } = call.group;
  if (!status.enabled) return boltRaftIsOff();
  return sortedPeers(status.peers).map((peer) => [
    Number.parseInt(peer.nodeId.slice(0, 12), 16), hostOf(peer.rpcAddress), portOf(peer.boltAddress), portOf(peer.rpcAddress), peer.role === 'leader', !peer.isVoter,
  ]);
}

function raftStatus(call: CallContext): Value[][] {
  const { status } = call.group;
  if (!status.enabled) return boltRaftIsOff();
  const { role, term, leaderId, commitIndex, appliedIndex, firstIndex, lastIndex } = status;
  const facts = { id: status.nodeId, term, lead: leaderId ?? '', raftState: role, commit: commitIndex, applied: appliedIndex, raftlog: { first: firstIndex, last: lastIndex } };
  return [[JSON.stringify(facts, undefined, 4)]];
}

const hostOf = (address: string) => address.slice(0, address.lastIndexOf(':')).replaceAll(/[[\]]/g, '');
const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1));

function boltRaftIsOff(): never {
  throw new DbError('NotSupported', 'bolt raft is not enabled', { hint: 'Bolt shares the one log of the group: CALL dbms.listServers() shows it' });
}

function notSupported(name: string, args: string, yields: string, mode: 'dbms-read' | 'dbms-write', why: string, hint: string, admin = false): ServerProcedure {
  return procedure(name, args, yields, mode, 'not supported', (_, call) => {
    if (admin) call.requireAdmin();
    throw new DbError('NotSupported', `${name} is not supported: ${why}`, { hint });
  });
}

function serverInfo(call: CallContext): Value[][] {
  const { freeBytes, totalBytes } = dataSpace(call.group.config);
  const storage = { avail: freeBytes, graph_used: totalBytes - freeBytes, total: totalBytes, unit: 'B' };
  return [[cpuInfo(), memoryInfo(), diskRateInfo(), storage].map((part) => JSON.stringify(part))];
}

/** The schema of an import configuration, base64: each label as JSON. Labels that are there already stay as they are. */
function* importSchema(args: Value[], _call: CallContext, context: ExecContext): Generator<Value[]> {
  const labels = schemaItems(Buffer.from(textArg(args, 0, 'description'), 'base64').toString());
  const { view } = context;
  for (const kind of ['VERTEX', 'EDGE'] as const) {
    for (const item of labels) {
      if (String(item.type).toUpperCase() !== kind) continue;
      const present = kind === 'VERTEX' ? view.catalog.vertexSchema(String(item.label)) : view.catalog.edgeSchema(String(item.label));
      if (present !== undefined) continue;
      const query = prepare(`CALL db.create${kind === 'VERTEX' ? 'Vertex' : 'Edge'}LabelByJson($json)`, { catalog: view.catalog, procedures: context.procedures });
      const parameters = new Map([['json', JSON.stringify({ ...item, type: kind })]]);
      for (const batch of execute(query, { ...context, parameters }).rows()) yield* batch;
    }
  }
}

function schemaItems(text: string): Record<string, unknown>[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new DbError('ProcedureCallFailed', 'the description must be base64 of JSON text', { cause: error });
  }
  const items = (parsed as { schema?: unknown } | null)?.schema;
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'object' && item !== null)) {
    throw new DbError('ProcedureCallFailed', '`schema` of the description must be a list of labels');
  }
  return items as Record<string, unknown>[];
}

const NO_CODE = 'this server runs no C++ or Python';
const NO_CODE_HINT = 'write it in Cypher, or call the server from a client';
const NO_FILES = 'this server reads no import files of its own';
const FILES_HINT = 'POST /db/{graph}/import/text takes lines, LOAD CSV reads files of load_csv_dir';
const BOLT_NODE = 'node_id:INTEGER, ip:STRING, bolt_port:INTEGER, bolt_raft_port:INTEGER';

const plugins = [
  notSupported('db.plugin.loadPlugin', 'plugin_type:STRING, plugin_name:STRING, plugin_content:ANY, code_type:STRING, plugin_description:STRING, read_only:BOOLEAN, version?:STRING', '', 'dbms-write', NO_CODE, NO_CODE_HINT),
  notSupported('db.plugin.deletePlugin', 'plugin_type:STRING, plugin_name:STRING', '', 'dbms-write', NO_CODE, NO_CODE_HINT),
  notSupported('db.plugin.getPluginInfo', 'plugin_type:STRING, plugin_name:STRING, show_code?:BOOLEAN', 'plugin_description:MAP', 'dbms-read', NO_CODE, NO_CODE_HINT),
  notSupported('db.plugin.callPlugin', 'plugin_type:STRING, plugin_name:STRING, param:STRING, timeout:DOUBLE, in_process:BOOLEAN', 'result:STRING', 'dbms-write', NO_CODE, NO_CODE_HINT),
  procedure('db.plugin.listPlugin', 'plugin_type:STRING, plugin_version?:STRING', 'plugin_description:MAP', 'dbms-read', 'none: there are no plugins', () => NONE),
  procedure('db.plugin.listUserPlugins', '', 'graph:STRING, plugins:MAP', 'dbms-read', 'none: there are no plugins', () => NONE),
];

const boltRaft = [
  procedure('db.bolt.listRaftNodes', '', `${BOLT_NODE}, is_leader:BOOLEAN, is_learner:BOOLEAN`, 'dbms-read', 'the servers of the group, in the form of TuGraph\'s second Raft group', (_, call) => raftNodes(call)),
  procedure('db.bolt.addRaftNode', BOLT_NODE, '', 'dbms-read', 'Bolt shares the one log', boltRaftIsOff),
  procedure('db.bolt.addRaftLearnerNode', BOLT_NODE, '', 'dbms-read', 'Bolt shares the one log', boltRaftIsOff),
  procedure('db.bolt.removeRaftNode', 'node_id:INTEGER', '', 'dbms-read', 'Bolt shares the one log', boltRaftIsOff),
  procedure('db.bolt.getRaftStatus', '', 'status:STRING', 'dbms-read', 'this server in the group, as JSON', (_, call) => raftStatus(call)),
];

export const tugraphProcedures: readonly ServerProcedure[] = [
  ...plugins, ...boltRaft,
  procedure('dbms.config.update', 'updates:MAP', '', 'dbms-write', 'changes options of all servers while they run; null: as each is configured', updateConfig),
  procedure('db.flushDB', '', '', 'dbms-read', 'what was acknowledged is on disk already', (_, call) => {
    call.requireAdmin();
    if (new Map(call.group.config).get('durable') === false) {
      throw new DbError('NotSupported', 'this server runs with durable false: it does not sync on request', { hint: 'start it with durable true' });
    }
    return NONE;
  }),
  procedure('db.monitor.serverInfo', '', 'cpu:STRING, memory:STRING, disk_rate:STRING, disk_storage:STRING', 'dbms-read', 'load of this server, as JSON', (_, call) => serverInfo(call)),
  procedure('db.monitor.tuGraphInfo', '', 'request:STRING', 'dbms-read', 'statements on this server, as JSON', (_, call) => [[
    JSON.stringify({ running: call.group.tasks.length, up_time: Math.round(call.group.upSeconds) }),
  ]]),
  procedure('db.importor.schemaImportor', 'description:STRING', '', 'schema', 'creates the labels of an import configuration', importSchema),
  notSupported('dbms.takeSnapshot', '', 'path:STRING', 'dbms-read', 'backups are not made by a statement', 'lgraph_backup makes them; lgraph_peer --command snapshot or POST /group/snapshot compacts the log of a server', true),
  notSupported('dbms.listBackupFiles', '', 'file:STRING', 'dbms-read', 'this server keeps no backups', 'they are where lgraph_backup was told to write them', true),
  notSupported('dbms.security.getUserMemoryUsage', 'user:STRING', 'memory_usage:INTEGER', 'dbms-read', 'memory is counted for each statement, not for each user',
    'GET /metrics shows that of the server; dbms.security.setUserMemoryLimit limits what a statement of a user may hold', true),
  notSupported('db.importor.fullImportor', 'conf:MAP', 'result:STRING', 'dbms-write', NO_FILES, FILES_HINT),
  notSupported('db.importor.fullFileImportor', 'graph_name:STRING, path:STRING', '', 'dbms-write', NO_FILES, FILES_HINT),
];
