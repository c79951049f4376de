/**
 * Every route of the HTTP port with what it takes and who may use it: the source of /openapi.json, of the page /docs, and of the
 * contract tests. A test compares it with the routes that are there.
 *
 * A field of a body or a query is written as its type: string, integer, number, boolean, object, array, strings, any; with `!` where
 * it must be there.
 */

/** Who may: everybody; whoever is logged in; who may read, write, or change the schema of the graph; admins. `refused`: nobody. */
export type ApiAccess = 'open' | 'user' | 'read' | 'write' | 'full' | 'admin' | 'refused';

export type Fields = Readonly<Record<string, string>>;

export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As the router writes it: `/user/:name`. */
  readonly path: string;
  readonly access: ApiAccess;
  readonly summary: string;
  readonly tag: string;
  /** Absent: no body; a text: the type of the whole body. */
  readonly body?: Fields | string | undefined;
  readonly query?: Fields | undefined;
  /** A body that is answered with success. */
  readonly example?: unknown;
  /** What the answer is; '' for an empty body. */
  readonly answer: 'object' | 'array' | 'any' | 'text' | 'bytes' | '' ;
}

type More = Pick<ApiRoute, 'body' | 'query' | 'example'>;
type Line = readonly [route: string, access: ApiAccess, answer: ApiRoute['answer'], summary: string, more?: More];

const CYPHER: Fields = { script: 'string!', graph: 'string', parameters: 'object', timeout: 'number', max_rows: 'number' };

const GENERAL: Readonly<Record<string, readonly Line[]>> = {
  Session: [
    ['POST /login', 'open', 'object', 'A token that every server of the group accepts', { body: { user: 'string!', password: 'string!' }, example: { user: 'victim', password: 'x' } }],
    ['POST /refresh', 'user', 'object', 'A new token for one that is still valid'],
    ['POST /logout', 'user', 'object', 'Forgets the token; with `all`, voids every token of the user', { body: { all: 'boolean' }, example: {} }],
    ['POST /get_token_time', 'user', 'object', 'How long tokens live, and may be refreshed'],
    ['POST /update_token_time', 'admin', '', 'Changes that, in seconds', { body: { refresh_time: 'integer!', expire_time: 'integer!' }, example: { refresh_time: 86400, expire_time: 604800 } }],
  ],
  Cypher: [
    ['POST /cypher', 'write', 'object', 'Runs a statement. Accept: application/x-ndjson streams rows of any number', { body: CYPHER, example: { script: 'CREATE (n:FromContract) RETURN n', parameters: {} } }],
    ['POST /gql', 'write', 'object', 'As /cypher', { body: CYPHER, example: { script: 'CREATE (n:FromContract) RETURN n', parameters: {} } }],
  ],
  Server: [
    ['GET /livez', 'open', 'text', 'The process answers'],
    ['GET /readyz', 'open', 'text', 'What is well and what is not, line by line; 503 if something is not'],
    ['GET /writable', 'open', 'text', '200 on the server that takes writes itself'],
    ['GET /metrics', 'open', 'text', 'Metrics for Prometheus (metrics_token)'],
    ['GET /openapi.json', 'open', 'object', 'This description'],
    ['GET /docs', 'open', 'text', 'This description as a page'],
    ['GET /docs/style.css', 'open', 'text', 'How that page looks'],
    ['GET /info', 'user', 'object', 'Version, load, memory, disk and configuration'],
    ['GET /info/cpu', 'user', 'object', 'Load'],
    ['GET /info/memory', 'user', 'object', 'Memory'],
    ['GET /info/disk', 'user', 'object', 'Input and output'],
    ['GET /info/db_space', 'user', 'object', 'Space on the disk'],
    ['GET /info/db_config', 'user', 'object', 'Options in force'],
    ['GET /info/statistics', 'user', 'object', 'Requests so far'],
    ['GET /info/raft', 'user', 'object', 'Everything consensus says of itself'],
    ['GET /info/ha_state', 'user', 'any', 'MASTER, FOLLOW or NO_HA'],
    ['GET /info/log', 'refused', 'any', "TuGraph's log files are not offered"],
    ['GET /task', 'admin', 'array', 'Statements that run'],
    ['DELETE /task/:id', 'admin', '', 'Ends a statement'],
    ['PUT /config', 'admin', '', 'Changes options while the server runs', { body: 'object', example: { slow_query_ms: 100 } }],
    ['POST /misc/sync_meta', 'admin', '', 'For clients of TuGraph; nothing is to be done'],
    ['GET /audit_log', 'admin', 'array', 'Searches the audit log of this server, newest first', {
      query: { protocol: 'string', address: 'string', user: 'string', graph: 'string', kind: 'string', outcome: 'string', code: 'string', trace_id: 'string', from: 'string', to: 'string', text: 'string', limit: 'integer' },
    }],
  ],
  Group: [
    ['GET /info/peers', 'user', 'array', 'The servers of the group'],
    ['GET /info/leader', 'user', 'object', 'Who leads'],
    ['POST /group/snapshot', 'admin', 'object', "Syncs a server's state and compacts its log", { body: { peer: 'string' } }],
    ['POST /group/transfer_leader', 'admin', 'object', 'Hands leadership to another server', { body: { peer: 'string' } }],
    ['POST /group/add_peer', 'admin', 'object', 'Adds a server', { body: { peer: 'string!' } }],
    ['POST /group/remove_peer', 'admin', 'object', 'Removes a server', { body: { peer: 'string!' } }],
  ],
  'Users and roles': [
    ['GET /user', 'admin', 'object', 'All users'],
    ['POST /user', 'admin', '', 'Creates a user', { body: { user: 'string!', password: 'string!', description: 'string' }, example: { user: 'contract<n>', password: 'x' } }],
    ['GET /user/:name', 'admin', 'object', 'A user'],
    ['DELETE /user/:name', 'admin', '', 'Deletes a user'],
    ['GET /user/:name/graph', 'admin', 'object', 'What a user may'],
    ...both('/user/:name/disable', 'Locks a user out'), ...both('/user/:name/enable', 'Lets a user in again'),
    ...both('/user/:name/logout', "Voids all of a user's tokens"),
    ...both('/user/:name/description', 'Describes a user', { body: { description: 'string!' }, example: { description: 'd' } }),
    ...both('/user/:name/role', 'Gives a user these roles', { body: 'strings', example: ['victim'] }),
    ...both('/user/:name/password', "Changes a password; one's own with the old one", { body: { new_password: 'string!', current_password: 'string' }, example: { new_password: 'x' } }),
    ['GET /role', 'admin', 'object', 'All roles'],
    ['POST /role', 'admin', '', 'Creates a role', { body: { role: 'string!', description: 'string!' }, example: { role: 'role<n>', description: 'd' } }],
    ['GET /role/:name', 'admin', 'object', 'A role'],
    ['DELETE /role/:name', 'admin', '', 'Deletes a role'],
    ...both('/role/:name/disable', 'Switches a role off'), ...both('/role/:name/enable', 'Switches a role on again'),
    ...both('/role/:name/description', 'Describes a role', { body: { description: 'string!' }, example: { description: 'd' } }),
    ...both('/role/:name/permissions', 'Sets what a role may: graph to NONE, READ, WRITE or FULL', { body: 'object', example: { default: 'READ' } }),
  ],
  'Web pages': [
    ['GET /', 'open', 'text', 'The web pages'],
    ['GET /assets/*', 'open', 'bytes', 'Their scripts and styles'],
    ['GET /resource/*', 'open', 'bytes', 'Files of the folder that `web` names'],
  ],
  Backup: [
    ['POST /backup/newest', 'admin', 'object', 'The newest version here, for lgraph_backup'],
    ['POST /backup/begin', 'admin', 'object', 'Holds this version until its state is read'],
    ['POST /backup/state', 'admin', 'bytes', 'Part of a held state', { body: { name: 'string!', after: 'string', bytes_max: 'integer!' } }],
    ['POST /backup/log', 'admin', 'bytes', 'Part of the log', { body: { from_version: 'integer!', to_version: 'integer!', bytes_max: 'integer!' } }],
    ['POST /backup/end', 'admin', 'object', 'Lets a held version go', { body: { name: 'string!' } }],
  ],
  Export: [['POST /export', 'admin', 'bytes', 'Whole graphs at one version, for lgraph_export', { body: { graphs: 'strings', format: 'string', delimiter: 'string' }, example: { graphs: ['default'] } }]],
};

function both(path: string, summary: string, more: More = {}): Line[] {
  return (['POST', 'PUT'] as const).map((method) => [`${method} ${path}`, 'admin', '', summary, more]);
}

/** Behind /db, and behind its second name /graph. */
const OF_GRAPHS: Readonly<Record<string, readonly Line[]>> = {
  Graphs: [
    ['GET ', 'admin', 'object', 'All graphs'],
    ['POST ', 'admin', '', 'Creates a graph', { body: { name: 'string!', config: 'object' }, example: { name: 'contract<n>', config: { max_size_GB: 1 } } }],
    ['GET /:graph', 'read', 'object', 'A graph'],
    ['DELETE /:graph', 'admin', '', 'Deletes a graph'],
    ['POST /:graph/schema/text', 'full', 'object', "Creates labels from TuGraph's import configuration", {
      body: { description: 'any!' }, example: { description: { schema: [{ label: 'Contract<n>', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }] }] } },
    }],
    ['POST /:graph/import/text', 'write', 'object', 'Imports lines of one file, in one transaction', {
      body: { description: 'any!', data: 'any!', delimiter: 'string', continue_on_error: 'any', detail: 'boolean' },
      example: { description: { files: [{ columns: ['name'], format: 'CSV', label: 'Person' }] }, data: 'Contract <n>\n' },
    }],
    ['POST /:graph/export', 'read', 'text', "Streams a label's data as lines", {
      body: { label: 'string!', properties: 'strings!', is_vertex: 'boolean!', src_label: 'string', dst_label: 'string' }, example: { label: 'Person', properties: ['name'], is_vertex: true },
    }],
    ['POST /:graph/misc/sub_graph', 'read', 'object', 'Vertices with the edges between them', { body: { vertex_ids: 'array!' }, example: { vertex_ids: [0] } }],
  ],
  Schema: [
    ['GET /:graph/label', 'read', 'object', 'All labels'],
    ['GET /:graph/label/:kind', 'read', 'array', 'Labels of vertices (node) or edges (relationship)'],
    ['GET /:graph/label/:kind/:label', 'read', 'object', 'Fields of a label'],
    ['POST /:graph/label', 'full', '', 'Creates a label', {
      body: { name: 'string!', is_vertex: 'boolean!', fields: 'array', primary: 'string', edge_constraints: 'array' }, example: { name: 'Label<n>', is_vertex: true, fields: [{ name: 'id', type: 'INT64' }], primary: 'id' },
    }],
    ['GET /:graph/index', 'read', 'array', 'All indexes'],
    ['GET /:graph/index/:label', 'read', 'array', 'Indexes of a label; with `field` and `value`, ids of vertices', { query: { field: 'string', value: 'string' } }],
    ['POST /:graph/index', 'full', '', 'Creates an index: 0 non-unique, 1 unique, 2 pair unique', { body: { label: 'string!', field: 'string!', index_type: 'integer', is_unique: 'boolean' } }],
    ['DELETE /:graph/index/:label/:field', 'full', '', 'Deletes an index'],
  ],
  Vertices: [
    ['GET /:graph/node', 'read', 'object', 'How many'],
    ['POST /:graph/node', 'write', 'any', 'Creates one (`property`) or many (`fields`, `values`); gives their ids', { body: { label: 'string!', property: 'object', fields: 'strings', values: 'array' }, example: { label: 'Person', property: { name: 'Contract node <n>' } } }],
    ['GET /:graph/node/:vid', 'read', 'object', 'A vertex'],
    ['PUT /:graph/node/:vid', 'write', '', 'Changes fields', { body: { property: 'object!' }, example: { property: { x: 1 } } }],
    ['DELETE /:graph/node/:vid', 'write', 'object', 'Deletes a vertex and its edges'],
    ['GET /:graph/node/:vid/property', 'read', 'object', 'All fields'],
    ['GET /:graph/node/:vid/property/:field', 'read', 'any', 'One field'],
    ['GET /:graph/node/:vid/relationship/:direction', 'read', 'any', 'Edges: in, out or all'],
    ['POST /:graph/node/:vid/relationship', 'write', 'any', 'Creates an edge; gives its id', { body: { label: 'string!', destination: 'integer!', property: 'object' }, example: { label: 'knows', destination: 0, property: {} } }],
  ],
  Edges: [
    ['GET /:graph/relationship', 'read', 'object', 'How many'],
    ['POST /:graph/relationship', 'write', 'array', 'Creates many', { body: { label: 'string!', fields: 'strings', edge: 'array!' }, example: { label: 'knows', fields: [], edge: [{ source: 0, destination: 0, values: [] }] } }],
    ['GET /:graph/relationship/:euid', 'read', 'object', 'An edge'],
    ['PUT /:graph/relationship/:euid', 'write', '', 'Changes fields', { body: { property: 'object!' }, example: { property: { x: 1 } } }],
    ['DELETE /:graph/relationship/:euid', 'write', '', 'Deletes an edge'],
    ['GET /:graph/relationship/:euid/property', 'read', 'object', 'All fields'],
    ['GET /:graph/relationship/:euid/property/:field', 'read', 'any', 'One field'],
  ],
  'Not supported': ['cpp_plugin', 'python_plugin'].flatMap((kind) => (['GET', 'POST', 'DELETE'] as const).flatMap((method): Line[] => [
    [`${method} /:graph/${kind}`, 'refused', 'any', 'C++ and Python procedures are not supported'],
    [`${method} /:graph/${kind}/:name`, 'refused', 'any', 'C++ and Python procedures are not supported'],
  ])),
};

function routes(table: Readonly<Record<string, readonly Line[]>>, root: string): ApiRoute[] {
  return Object.entries(table).flatMap(([tag, lines]) => lines.map(([route, access, answer, summary, more]): ApiRoute => {
    const [method, path] = route.split(' ') as [ApiRoute['method'], string];
    return { method, path: root + path, access, answer, summary, tag, ...more };
  }));
}

export const API: readonly ApiRoute[] = [...routes(GENERAL, ''), ...routes(OF_GRAPHS, '/db'), ...routes(OF_GRAPHS, '/graph')];
