/** What the server answers. */
export interface Peer {
  readonly rpc_address: string;
  readonly rest_address: string;
  readonly bolt_address: string;
  readonly state: string;
  readonly ha_role: string;
  readonly role: string;
  readonly voter: boolean;
  readonly term: number;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly lag: number;
  readonly last_contact_ms: number;
  readonly version: string;
  readonly note: string;
  readonly node_id: string;
  readonly snapshot?: { readonly phase: string; readonly bytes: number; readonly bytes_total: number; readonly percent: number; readonly seconds_left: number | null };
}

export interface ServerInfo {
  readonly up_time: number;
  readonly lgraph_version: string;
  readonly cpu: { readonly self: number; readonly server: number };
  readonly memory: { readonly self: number; readonly server_avail: number; readonly server_total: number };
  readonly disk: { readonly read: number; readonly write: number };
  readonly db_space: { readonly disk_total: number; readonly disk_avail: number };
}

export interface GraphNode {
  readonly $type: 'node';
  readonly id: number;
  readonly labels: readonly string[];
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface GraphRelationship {
  readonly $type: 'relationship';
  readonly id: number;
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface GraphPath {
  readonly $type: 'path';
  readonly nodes: readonly GraphNode[];
  readonly relationships: readonly GraphRelationship[];
}

export interface Plan {
  readonly operator: string;
  readonly details: string;
  readonly estimatedRows: number;
  readonly rows?: number;
  readonly timeMs?: number;
  readonly dbHits?: number;
  readonly children: readonly Plan[];
}

export interface Result {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly size: number;
  readonly truncated: boolean;
  /** Seconds on the server. */
  readonly elapsed: number;
  readonly version: number;
  readonly type: 'r' | 'w' | 'rw' | 's';
  readonly mode: 'run' | 'explain' | 'profile';
  readonly stats: Readonly<Record<string, number | string>> | null;
  readonly plan: Plan | null;
  readonly notifications: readonly { readonly code: string; readonly title: string; readonly description: string }[];
}
