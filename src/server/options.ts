/**
 * Every option of the server: name, type, default, range, meaning. The one table behind the JSON file, the flags, the
 * environment, `--help`, `--print-config`, lgraph.json.example and docs/operating.md.
 *
 * Names and defaults are TuGraph's where it has the option; docs/compatibility.md lists where a default differs and why.
 */

export type OptionType = 'string' | 'boolean' | 'integer';
export type OptionValue = string | boolean | number;

export interface OptionDef {
  readonly name: string;
  readonly type: OptionType;
  readonly default: OptionValue;
  readonly min?: number;
  readonly max?: number;
  /** The least beside 0, which leaves the choice to the server. */
  readonly least?: number;
  readonly choices?: readonly OptionValue[];
  readonly help: string;
  /** Shown as *** and readable from a file named by LGRAPH_<NAME>_FILE. */
  readonly secret?: boolean;
  readonly group: 'Server' | 'High availability' | 'Bolt' | 'Limits' | 'Logs' | 'Security' | 'Backup';
}

const port = { type: 'integer', min: 0, max: 65535 } as const;
const text = { type: 'string', default: '' } as const;

export const OPTIONS = [
  // ---------------------------------------------------------------- server
  { name: 'directory', type: 'string', default: './lgraph_db', group: 'Server', help: 'data directory; created if missing' },
  { name: 'host', type: 'string', default: '0.0.0.0', group: 'Server', help: 'address to listen on; with enable_ha also the address the group knows this server by, so it must be concrete then' },
  { name: 'advertised_host', ...text, group: 'Server', help: 'address clients are told to use; host if empty' },
  { name: 'port', ...port, default: 7070, group: 'Server', help: 'HTTP port: REST and web pages' },
  { name: 'rpc_port', ...port, default: 9090, group: 'Server', help: 'gRPC port: clients and the servers of the group' },
  { name: 'enable_rpc', type: 'boolean', default: false, group: 'Server', help: 'listen on rpc_port; always on with enable_ha' },
  { name: 'durable', type: 'boolean', default: true, group: 'Server', help: 'fsync before a write is acknowledged; false: UNSAFE, a power cut may lose acknowledged writes' },
  { name: 'web', ...text, group: 'Server', help: "folder of web files; the server's own pages if empty" },
  { name: 'single_node', type: 'boolean', default: false, group: 'Server', help: 'say on purpose that this server is alone; refused together with enable_ha' },
  { name: 'enable_fulltext_index', type: 'boolean', default: true, group: 'Server', help: 'full-text indexes can be made and searched; false: neither by way of this server, but existing ones are kept up to date' },
  { name: 'fulltext_analyzer', type: 'string', default: 'standard', group: 'Server', help: "analyzer of full-text indexes that name none: standard, english, simple, whitespace, keyword, or TuGraph's StandardAnalyzer, SmartChineseAnalyzer" },
  { name: 'enable_metrics', type: 'boolean', default: true, group: 'Server', help: 'GET /metrics for Prometheus' },
  // ---------------------------------------------------------------- high availability
  { name: 'enable_ha', type: 'boolean', default: false, group: 'High availability', help: 'be a member of a group of servers' },
  { name: 'ha_conf', ...text, group: 'High availability', help: 'host1:rpc_port1,host2:rpc_port2,… the servers of the group' },
  { name: 'ha_log_dir', ...text, group: 'High availability', help: 'folder of the replicated log; <directory>/ha if empty' },
  { name: 'ha_election_timeout_ms', type: 'integer', default: 500, min: 50, max: 600000, group: 'High availability', help: 'a leader that is silent for so long is replaced' },
  { name: 'ha_raft_heartbeat_ms', type: 'integer', default: 50, min: 5, max: 60000, group: 'High availability', help: "interval of the leader's heartbeats; at most a third of ha_election_timeout_ms" },
  { name: 'ha_commit_notice_ms', type: 'integer', default: 5, min: 0, max: 1000, group: 'High availability', help: 'while writes follow each other within this time, followers learn what is committed with the next write, or after so long; 0: each commit is told at once' },
  { name: 'ha_heartbeat_interval_ms', type: 'integer', default: 1000, min: 10, max: 3600000, group: 'High availability', help: 'how often servers tell each other their addresses and state' },
  { name: 'ha_snapshot_interval_s', type: 'integer', default: 604800, min: 0, max: 1814400, group: 'High availability', help: 'how often the log is compacted at least; 0: by size only' },
  { name: 'ha_first_snapshot_start_time', ...text, group: 'High availability', help: 'HH:MM:SS (local time) of the first timed compaction; random if empty' },
  { name: 'ha_snapshot_rate_mb_s', type: 'integer', default: 0, min: 0, max: 100000, group: 'High availability', help: 'MB (10^6 bytes) a second of whole states sent to servers that lag; 0: no limit' },
  { name: 'ha_snapshot_busy_percent', type: 'integer', default: 50, min: 5, max: 100, group: 'High availability', help: 'a leader that sends a whole state while clients write leaves them the rest of the time of the thread that does both; 100: no regard' },
  { name: 'ha_snapshot_pins_log_mb', type: 'integer', default: 4096, min: 1, max: 16777216, group: 'High availability', help: 'log kept for a whole state under way; beyond it a newer state is sent instead' },
  { name: 'ha_log_keeps_entries', type: 'integer', default: 100000, min: 100, group: 'High availability', help: 'log entries kept behind the state, for servers that lag; older ones get the whole state' },
  { name: 'ha_new_server_log_mb', type: 'integer', default: 64, min: 0, max: 16777216, group: 'High availability', help: 'a server new to the group that lacks more of the log than this gets the whole state instead, unless that is 16 times as large; 0: never, as long as the log has what it lacks' },
  { name: 'ha_log_segment_mb', type: 'integer', default: 64, min: 1, max: 4096, group: 'High availability', help: 'MB of one file of the replicated log: what is not needed any more goes file by file' },
  { name: 'ha_node_offline_ms', type: 'integer', default: 600000, min: 100, group: 'High availability', help: 'a server silent for so long is OFFLINE and leaves the group, if that is safe' },
  { name: 'ha_node_remove_ms', type: 'integer', default: 1200000, min: 100, group: 'High availability', help: 'a server silent for so long is no longer listed' },
  { name: 'ha_auto_remove_min_voters', type: 'integer', default: 2, min: 1, max: 7, group: 'High availability', help: 'automatic removal leaves at least so many voters' },
  { name: 'ha_leave_on_sigterm', type: 'boolean', default: false, group: 'High availability', help: 'SIGTERM leaves the group as Ctrl-C does (TuGraph); false: a stop is no change of membership' },
  { name: 'ha_node_join_group_s', type: 'integer', default: 10, min: 1, max: 86400, group: 'High availability', help: 'how long a start may take to find or form its group before it warns' },
  { name: 'ha_bootstrap_role', type: 'integer', default: 0, min: 0, max: 2, group: 'High availability', help: 'first start with data on one server: 1 on that one, 2 on the others; 0 otherwise' },
  { name: 'ha_is_witness', type: 'boolean', default: false, group: 'High availability', help: 'vote and keep the log, but hold no data' },
  { name: 'ha_enable_witness_to_leader', type: 'boolean', default: false, group: 'High availability', help: 'a witness may lead for a moment to bring a replica up to date' },
  { name: 'ha_join_discard_local_data', type: 'boolean', default: false, group: 'High availability', help: 'a server that holds data of another group (or of none) sets it aside when it joins; false: it refuses' },
  { name: 'ha_form_on_majority', type: 'boolean', default: false, group: 'High availability', help: 'form a new group without an answer from every listed server' },
  { name: 'ha_secret', ...text, secret: true, group: 'High availability', help: 'shared by the servers of a group; a stranger without it is refused' },
  { name: 'ha_redirect_writes', type: 'boolean', default: false, group: 'High availability', help: 'a follower answers a write with 307 and the leader instead of forwarding it' },
  { name: 'ha_lease_reads', type: 'boolean', default: false, group: 'High availability', help: 'linearizable reads trust the lease of the leader (needs clocks that run evenly)' },
  { name: 'ha_max_inflight_bytes', type: 'integer', default: 8388608, min: 65536, group: 'High availability', help: 'log bytes under way to one follower' },
  { name: 'ha_max_uncommitted_bytes', type: 'integer', default: 67108864, min: 1048576, group: 'High availability', help: 'writes waiting for a majority; beyond it new ones are refused as Busy' },
  { name: 'ha_max_message_bytes', type: 'integer', default: 268435456, min: 1048576, max: 2147483647, group: 'High availability', help: 'largest message between two servers; more than max_entry_bytes and ha_max_inflight_bytes together' },
  { name: 'ha_compress_min_bytes', type: 'integer', default: 0, min: 0, group: 'High availability', help: 'log entries sent together travel compressed from so many bytes on, where that pays (distant sites); 0: never' },
  // ---------------------------------------------------------------- bolt
  { name: 'bolt_port', ...port, default: 7687, group: 'Bolt', help: 'Bolt port for Neo4j drivers; 0: off' },
  { name: 'bolt_message_max_bytes', type: 'integer', default: 67108864, min: 65536, group: 'Bolt', help: 'largest message a client may send' },
  { name: 'bolt_auth_timeout_ms', type: 'integer', default: 10000, min: 100, group: 'Bolt', help: 'a connection that has not logged in by then is closed' },
  { name: 'bolt_write_timeout_ms', type: 'integer', default: 600000, min: 1000, group: 'Bolt', help: 'a client that takes nothing of its result for so long is cut off' },
  // ---------------------------------------------------------------- security
  { name: 'http_cors_origins', type: 'string', default: '*', group: 'Security', help: 'origins whose web pages may read HTTP answers, such as https://app.example.com,http://10.0.0.2:7070 (also the servers of the group, for the web pages of one that ask another); *: all; empty: none' },
  { name: 'ssl_auth', type: 'boolean', default: false, group: 'Security', help: 'TLS on the HTTP port, the Bolt port, and between the servers of a group' },
  { name: 'server_cert', type: 'string', default: './server-cert.pem', group: 'Security', help: 'PEM file: certificate of this server, then those of intermediate authorities; read again when it changes' },
  { name: 'server_key', type: 'string', default: './server-key.pem', group: 'Security', help: 'PEM file: its private key' },
  { name: 'server_ca', ...text, group: 'Security', help: 'PEM file: authority that signed the certificates of the servers of the group; needed for TLS between them' },
  { name: 'ha_tls', type: 'boolean', default: true, group: 'Security', help: 'with ssl_auth: the servers of a group show each other certificates (mutual TLS); false: they speak in the clear, for a network of their own' },
  { name: 'bolt_tls', type: 'string', default: 'required', choices: ['required', 'optional', 'off'], group: 'Security', help: 'with ssl_auth, on the Bolt port: required, optional (plain connections too) or off' },
  { name: 'tls_reload_s', type: 'integer', default: 10, min: 0, max: 86400, group: 'Security', help: 'how often the PEM files are looked at; 0: only at SIGHUP' },
  { name: 'disable_auth', type: 'boolean', default: false, group: 'Security', help: 'everybody is admin; for trusted places only' },
  { name: 'admin_password', ...text, secret: true, group: 'Security', help: "first password of the user admin in a new group; TuGraph's 73@TuGraph if empty" },
  { name: 'force_password_change', type: 'boolean', default: false, group: 'Security', help: "a user who still has the factory password may do nothing but change it; false: a warning in the log, as TuGraph's clients expect" },
  { name: 'token_life_s', type: 'integer', default: 86400, min: 0, group: 'Security', help: 'life of a login token; 0: for ever' },
  { name: 'token_refresh_s', type: 'integer', default: 604800, min: 60, group: 'Security', help: 'a token may be refreshed for so long after the first login' },
  { name: 'login_failures_max', type: 'integer', default: 5, min: 1, group: 'Security', help: 'wrong passwords per user and address before a pause' },
  { name: 'login_address_failures_max', type: 'integer', default: 100, min: 1, group: 'Security', help: 'wrong passwords from one address, of all users together, before a pause' },
  { name: 'login_lock_ms', type: 'integer', default: 60000, min: 100, group: 'Security', help: 'length of that pause' },
  { name: 'enable_ip_check', type: 'boolean', default: false, group: 'Security', help: 'only addresses of dbms.security.listAllowedHosts() may connect, and the machine itself; changes while the server runs' },
  { name: 'enable_audit_log', type: 'boolean', default: false, group: 'Security', help: 'log who did what, from where, with which outcome; changes while the server runs' },
  { name: 'audit_log_dir', ...text, group: 'Security', help: 'folder of the audit log; <directory>/_audit_log_ if empty' },
  { name: 'audit_log_expire', type: 'integer', default: 0, min: 0, max: 876000, group: 'Security', help: 'hours the files of the audit log are kept; 0: for ever; changes while the server runs' },
  { name: 'audit_log_file_mb', type: 'integer', default: 64, min: 1, max: 4096, group: 'Security', help: 'MB of one file of the audit log' },
  { name: 'metrics_token', ...text, secret: true, group: 'Security', help: 'GET /metrics wants this as bearer token (or the token of an admin); empty: it is open to whoever reaches the HTTP port' },
  // ---------------------------------------------------------------- limits
  { name: 'memory_mb', type: 'integer', default: 0, min: 0, least: 384, max: 16777216, group: 'Limits', help: 'memory this server may take; 0: what the machine or the container has. Near it caches let go, and statements that hold much end with MemoryLimit' },
  { name: 'cache_mb', type: 'integer', default: 0, min: 0, least: 8, max: 1048576, group: 'Limits', help: 'decoded graph data kept in memory, over all threads; 0: an eighth of the memory, 32 to 4096' },
  { name: 'store_cache_mb', type: 'integer', default: 0, min: 0, max: 1048576, group: 'Limits', help: "LevelDB's block cache; 0: a sixty-fourth of the memory, 8 to 64" },
  { name: 'read_ahead', type: 'boolean', default: true, group: 'Limits', help: 'graphs are read into memory in the background after a start, and where much was written: up to half of cache_mb' },
  { name: 'store_compact_deletes', type: 'integer', default: 50000, min: 0, group: 'Limits', help: 'after so many deleted blocks, where they are a good part of it, the state store is compacted; 0: left to LevelDB' },
  { name: 'disk_reserve_mb', type: 'integer', default: 32, min: 1, max: 1048576, group: 'Limits', help: "with less than this free on the log's disk a server takes no writes and hands its lead over; a full state store, and what needs much room at once, waits for twice as much" },
  { name: 'commit_answer_free_mb', type: 'integer', default: 256, min: 0, max: 1048576, group: 'Limits', help: "with less than this free on the state store's disk, writes are answered when it has them instead of when they are committed" },
  { name: 'commit_answer_unwritten_kb', type: 'integer', default: 1024, min: 0, max: 67108864, group: 'Limits', help: 'with more than this of committed entries that the state store does not have yet, the same: so that readers need not wait long for them' },
  { name: 'reader_threads', type: 'integer', default: 2, min: 1, max: 64, group: 'Limits', help: 'threads for long reads' },
  { name: 'parallel_read_rows', type: 'integer', default: 100_000, min: 0, group: 'Limits', help: 'rows from which on an aggregation over a scan is shared among the reader threads that have nothing to do; 0: never' },
  { name: 'inline_read_rows', type: 'integer', default: 5000, min: 1, group: 'Limits', help: 'rows a read may touch before it moves to a reader thread' },
  { name: 'inline_read_ms', type: 'integer', default: 5, min: 1, group: 'Limits', help: 'time a read may take before it moves to a reader thread; a fifth of it while others read too' },
  { name: 'statement_timeout_ms', type: 'integer', default: 120000, min: 0, group: 'Limits', help: 'longest run of a statement; 0: no limit' },
  { name: 'vector_search_effort', type: 'integer', default: 100, min: 0, max: 100000, group: 'Limits', help: 'how many vectors a search by a vector index compares, in percent of what is usual: more finds more of the nearest and takes longer; 0 compares all' },
  { name: 'query_memory_mb', type: 'integer', default: 0, min: 0, max: 65536, group: 'Limits', help: 'rows, groups and lists one statement may hold; beyond it rows go to query_spill_dir, or it ends with MemoryLimit; 0: an eighth of the memory, 32 to 512' },
  { name: 'query_spill_dir', ...text, group: 'Limits', help: 'folder for temporary files of sorts, groups, DISTINCT and joins that need more than query_memory_mb; if empty such statements end with MemoryLimit' },
  { name: 'query_spill_mb', type: 'integer', default: 4096, min: 1, max: 1048576, group: 'Limits', help: 'temporary files of one statement; beyond it ends with MemoryLimit' },
  { name: 'query_spill_total_mb', type: 'integer', default: 16384, min: 1, max: 16777216, group: 'Limits', help: 'temporary files of all statements together' },
  { name: 'load_csv_dir', ...text, group: 'Limits', help: 'folder LOAD CSV reads files from; refused if empty' },
  { name: 'load_csv_unpacked_mb', type: 'integer', default: 512, min: 1, max: 4095, group: 'Limits', help: 'a .gz file that LOAD CSV reads is unpacked up to so many MB' },
  { name: 'load_csv_record_chars', type: 'integer', default: 16777216, min: 262144, max: 268435456, group: 'Limits', help: 'characters of one record that LOAD CSV reads' },
  { name: 'load_csv_backslash_quotes', type: 'boolean', default: true, group: 'Limits', help: 'in quoted fields of LOAD CSV a backslash stands before a quote or a backslash that belongs to the text, as in Neo4j; false: RFC 4180, a backslash is a character like others' },
  { name: 'version_wait_ms', type: 'integer', default: 2000, min: 0, group: 'Limits', help: 'how long a read waits for the data version it asks for' },
  { name: 'bounded_staleness_ms', type: 'integer', default: 1000, min: 0, max: 3600000, group: 'Limits', help: 'how old a read in the mode bounded may be, where the request does not say' },
  { name: 'leader_wait_ms', type: 'integer', default: 5000, min: 0, group: 'Limits', help: 'how long a write waits for a leader' },
  { name: 'max_running_statements', type: 'integer', default: 10000, min: 1, max: 65536, group: 'Limits', help: 'statements that run or wait at once' },
  { name: 'max_open_transactions', type: 'integer', default: 1000, min: 1, group: 'Limits', help: 'interactive write transactions open at once' },
  { name: 'max_transaction_reads', type: 'integer', default: 4000000, min: 1000, group: 'Limits', help: 'blocks (about: vertices and edges) one interactive write transaction may read; beyond it ends with MemoryLimit' },
  { name: 'transaction_idle_ms', type: 'integer', default: 60000, min: 100, group: 'Limits', help: 'an interactive transaction idle for so long is rolled back' },
  { name: 'transaction_total_ms', type: 'integer', default: 600000, min: 100, group: 'Limits', help: 'an interactive transaction is rolled back after this' },
  { name: 'idempotency_kept_s', type: 'integer', default: 86400, min: 60, group: 'Limits', help: 'how long the answer of a write with an idempotency key is kept' },
  { name: 'max_entry_bytes', type: 'integer', default: 33554432, min: 65536, group: 'Limits', help: 'effects of one transaction' },
  { name: 'max_graphs', type: 'integer', default: 4096, min: 1, max: 65536, group: 'Limits', help: 'graphs of the group; the leader refuses to create more' },
  { name: 'max_result_bytes', type: 'integer', default: 268435456, min: 65536, group: 'Limits', help: 'result of a write, or of a REST request, kept in memory' },
  { name: 'http_list_max_bytes', type: 'integer', default: 67108864, min: 65536, max: 268435456, group: 'Limits', help: 'rows of a REST answer that is made of them whole, such as lists of nodes, relationships and users; POST /cypher has max_result_bytes' },
  { name: 'max_request_bytes', type: 'integer', default: 17825792, min: 1024, group: 'Limits', help: 'body of an HTTP request' },
  { name: 'http_request_timeout_ms', type: 'integer', default: 300000, min: 0, group: 'Limits', help: 'a whole HTTP request must have arrived by then; 0: no limit' },
  { name: 'http_gzip_min_bytes', type: 'integer', default: 16384, min: 0, group: 'Limits', help: 'HTTP answers of so many bytes and more are compressed for clients that accept gzip; 0: none' },
  { name: 'max_connections', type: 'integer', default: 4000, min: 1, group: 'Limits', help: 'client connections at once, per protocol' },
  { name: 'shutdown_timeout_s', type: 'integer', default: 10, min: 1, max: 3600, group: 'Limits', help: 'longest wait for running requests when the server stops' },
  { name: 'store_sync_interval_ms', type: 'integer', default: 5000, min: 10, group: 'Limits', help: 'how often the state store is synced, so that the log behind it may go' },
  // ---------------------------------------------------------------- backup
  { name: 'backup_dir', ...text, group: 'Backup', help: 'the server backs itself up to this folder or s3://bucket/prefix (docs/backup.md); empty: it does not' },
  { name: 'backup_interval_s', type: 'integer', default: 3600, min: 1, max: 31536000, group: 'Backup', help: 'how often' },
  { name: 'backup_full_every', type: 'integer', default: 24, min: 0, max: 100000, group: 'Backup', help: 'incremental backups between two full ones' },
  { name: 'backup_keep', type: 'integer', default: 7, min: 0, max: 100000, group: 'Backup', help: 'full backups that stay, with what goes on from them; 0: all' },
  { name: 'backup_server', ...text, group: 'Backup', help: 'host:rpc_port of the server that makes them; the leader if empty' },
  { name: 'backup_idle_s', type: 'integer', default: 300, min: 1, max: 86400, group: 'Backup', help: 'a version that a backup reads is let go when nobody has asked for so long' },
  { name: 'backups_max', type: 'integer', default: 4, min: 1, max: 64, group: 'Backup', help: 'backups that read from this server at once' },
  { name: 'backup_s3_part_mb', type: 'integer', default: 16, min: 5, max: 5120, group: 'Backup', help: 'objects in S3 above this go in parts of this size (multipart upload)' },
  { name: 'backup_s3_parallel', type: 'integer', default: 4, min: 1, max: 64, group: 'Backup', help: 'parts of one such object sent at once' },
  // ---------------------------------------------------------------- logs
  { name: 'log_dir', ...text, group: 'Logs', help: 'folder for log files with rotation; standard output if empty' },
  { name: 'log_file_size', type: 'integer', default: 256, min: 1, max: 4096, group: 'Logs', help: 'MB of one log file' },
  { name: 'max_n_log_files', type: 'integer', default: 16, min: 1, group: 'Logs', help: 'log files kept' },
  { name: 'slow_query_ms', type: 'integer', default: 0, min: 0, max: 86400000, group: 'Logs', help: 'statements that take so long are logged; 0: none; changes while the server runs' },
  { name: 'verbose', type: 'integer', default: 1, min: 0, max: 2, group: 'Logs', help: '0 errors, 1 information, 2 debug; changes while the server runs' },
] as const satisfies readonly OptionDef[];

export type OptionName = (typeof OPTIONS)[number]['name'];

type ValueOf<T extends OptionType> = T extends 'string' ? string : T extends 'boolean' ? boolean : number;

/** The configuration: every option with its value. */
export type Config = { readonly [D in (typeof OPTIONS)[number] as D['name']]: ValueOf<D['type']> };

/** Options of TuGraph that mean nothing here: accepted from its configuration files with a word in the log. */
export const IGNORED_OPTIONS: Readonly<Record<string, string>> = {
  use_pthread: 'there is no brpc here', optimistic_txn: 'interactive transactions always are', idle_seconds: 'there are no Python subprocesses',
  enable_plugin: 'C++ and Python procedures are not supported', is_cypher_v2: 'there is one Cypher engine', thread_limit: 'see reader_threads',
  subprocess_max_idle_seconds: 'there are no subprocesses', 'realtime vertex and edge count': 'counts are always exact', bolt_io_thread_num: 'Bolt needs one thread here',
  bolt_raft_port: 'Bolt shares the one replicated log', bolt_raft_node_id: 'Bolt shares the one replicated log', bolt_raft_init_peers: 'Bolt shares the one replicated log',
  fulltext_commit_interval: 'a full-text index changes with the data', fulltext_refresh_interval: 'a full-text index changes with the data',
  backup_log_dir: 'there is no binlog', snapshot_dir: 'there is no binlog',
  unlimited_token: 'see token_life_s',
  'browser.credential_timeout': 'see token_life_s', 'browser.retain_connection_credentials': 'it is always so',
};

/** Options of TuGraph that may be off, but not on: to ignore them would leave out what somebody relies on. */
export const REFUSED_OPTIONS: Readonly<Record<string, string>> = {
  enable_backup_log: 'the binlog is not offered: the replicated log has its place',
  reset_admin_password: 'not offered: an admin changes it with dbms.security.changeUserPassword',
};
