/**
 * A client process of bench/protocols.mjs: one way to talk to a server, as applications do. Told `{text, connections, ms}`, it
 * runs the statement on so many connections for so long and answers with what it counted, its own CPU time included.
 */
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import neo4j from 'neo4j-driver';
import { percentile } from './load.mjs';
import { RespClient } from './resp-client.mjs';

const CONNECTIONS_MAX = 16;

/** Each gives `connect(i)`, and that a function which runs a statement and gives the number of rows. */
const WAYS = {
  bolt: ({ port, user, password, database }) => {
    const auth = user === undefined ? undefined : neo4j.auth.basic(user, password);
    const driver = neo4j.driver(`bolt://127.0.0.1:${port}`, auth, { encrypted: 'ENCRYPTION_OFF', maxConnectionPoolSize: CONNECTIONS_MAX, disableLosslessIntegers: true });
    return async () => async (text, parameters) => {
      const session = driver.session({ defaultAccessMode: neo4j.session.READ, ...(database === undefined ? {} : { database }) });
      try {
        return (await session.run(text, parameters)).records.length;
      } finally {
        await session.close();
      }
    };
  },

  rest: ({ port, token }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const ask = (body) => new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port, path: '/cypher', method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject).on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (answer.statusCode === 200) resolve(JSON.parse(text).result.length);
          else reject(new Error(text));
        });
      });
      request.on('error', reject).end(body);
    });
    return async () => (script, parameters) => ask(JSON.stringify({ script, parameters }));
  },

  grpc: ({ port, token }) => {
    const proto = loadSync(fileURLToPath(new URL('../../proto/lgraph.proto', import.meta.url)), { longs: Number, keepCase: true, oneofs: true, defaults: true });
    const { Lgraph } = loadPackageDefinition(proto).lgraph.v1;
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    // A channel of its own for each: channels with equal options share one connection.
    return async (i) => {
      const client = new Lgraph(`127.0.0.1:${port}`, credentials.createInsecure(), { 'lgraph.bench': i, 'grpc.use_local_subchannel_pool': 1 });
      return async (statement, parameters) => {
        let count = 0;
        const entries = Object.entries(parameters).map(([key, value]) => ({ key, value: { int_value: value } }));
        for await (const { rows } of client.Run({ statement, parameters: entries }, metadata)) if (rows !== null && rows !== undefined) count += rows.rows.length;
        return count;
      };
    };
  },

  /** Replies are skipped and not built: less than any application does. */
  resp: ({ port, graph }) => async () => {
    const client = await RespClient.connect(port);
    return async (text, parameters) => {
      const head = Object.entries(parameters).map(([key, value]) => `${key}=${value}`).join(' ');
      await client.command('GRAPH.RO_QUERY', graph, head === '' ? text : `CYPHER ${head} ${text}`, '--compact');
      return undefined;
    };
  },
};

async function slice(runs, { text, keys, rows, connections, ms }) {
  const latencies = [];
  const cpu = process.cpuUsage();
  const began = performance.now();
  await Promise.all(runs.slice(0, connections).map(async (run, i) => {
    for (let n = i * 1000; performance.now() < began + ms; n++) {
      const started = performance.now();
      const count = await run(text, keys === undefined ? {} : { id: (n * 37) % keys });
      if (count !== undefined && count !== rows) throw new Error(`${count} rows and not ${rows}: ${text}`);
      latencies.push(performance.now() - started);
    }
  }));
  const took = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  return { count: latencies.length, perSecond: latencies.length / (took / 1000), p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), clientCpuMs: (user + system) / 1000 };
}

let runs;
process.on('message', async ({ open, ...job }) => {
  try {
    if (open === undefined) process.send({ result: await slice(runs, job) });
    else {
      const connect = WAYS[open.way](open);
      runs = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, (_, i) => connect(i)));
      await runs[0]('RETURN 1', {});
      process.send({ result: 'open' });
    }
  } catch (error) {
    process.send({ error: error.message || error.code || error.name });
  }
});
process.on('disconnect', () => process.exit());
