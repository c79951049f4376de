/** HTTP: requests one behind the other on connections that stay open. */
import type { Answers, Dialogue } from './dialogue.ts';
import type { Dice } from '../dice.ts';
import { mutated, scrambled } from './mutate.ts';

type Request = readonly [method: string, path: string, body?: unknown];

const REQUESTS: readonly Request[] = [
  ['POST', '/cypher', { script: 'MATCH (n:Canary) RETURN n, n.text', graph: 'default' }], ['POST', '/cypher', { script: 'UNWIND range(1, 30) AS x RETURN x, $p', parameters: { p: [1, 'two', null, { deep: [[[{ a: [] }]]] }] }, timeout: 1 }],
  ['POST', '/gql', { script: 'CREATE (n:Fuzz {x: 1}) RETURN id(n)' }], ['POST', '/login', { user: 'admin', password: 'wrong' }], ['POST', '/refresh', {}], ['GET', '/info'], ['GET', '/info/raft'], ['GET', '/db'], ['GET', '/user'],
  ['GET', '/db/default/node/0'], ['GET', '/db/default/node/0/property'], ['POST', '/db/default/node', { label: 'Fuzz', property: { x: 1 } }], ['PUT', '/db/default/node/1', { property: { y: [1, 2] } }],
  ['GET', '/db/default/node/0/relationship/all'], ['POST', '/db/default/relationship', { label: 'TO', fields: ['a'], edge: [{ source: 0, destination: 0, values: [1] }] }], ['GET', '/db/default/relationship/0_0_0_0_0'],
  ['POST', '/db/default/misc/sub_graph', { vertex_ids: [0, 1] }], ['POST', '/db/default/export', { label: 'Canary', properties: ['text'], is_vertex: true }], ['POST', '/export', { format: 'json' }], ['POST', '/backup/begin', {}],
  ['POST', '/backup/state', { name: 'x', after: '00', bytes_max: 1000 }], ['POST', '/db/default/import/text', { description: { files: [{ columns: ['x'], format: 'CSV', label: 'Fuzz' }] }, data: 'a\nb\n' }],
  ['POST', '/db/default/schema/text', { description: { schema: [{ label: 'Fuzz2', type: 'VERTEX', primary: 'id', properties: [{ name: 'id', type: 'INT64' }] }] } }], ['GET', '/metrics'], ['GET', '/livez'], ['GET', '/readyz'],
  ['GET', '/audit_log?user=admin&limit=10'], ['GET', '/openapi.json'], ['GET', '/db/default/index/Canary?field=text&value=x'], ['GET', '/assets/..%2f..%2fpackage.json'], ['OPTIONS', '/cypher'], ['DELETE', '/task/1_1'], ['PUT', '/config', { verbose: 2 }],
];

const COSTLY = ['/login', '/metrics', '/openapi.json'];

/** Tokens that are none. */
const NO_TOKENS = ['', 'Authorization: Bearer x.y.z\r\n', 'Authorization: Basic YWRtaW46d3Jvbmc=\r\n', 'Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.\r\n', 'Authorization: Bearer\r\n'];

function text(dice: Dice, [method, path, body]: Request, token: string): Buffer {
  const json = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(dice.chance(0.7) ? scrambled(dice, body) : body));
  const other = Buffer.from(JSON.stringify(dice.pick(REQUESTS)[2] ?? {}));
  const sent = json.length > 0 && dice.chance(0.1) ? mutated(dice, json, other) : json;
  const url = dice.chance(0.15) ? mutated(dice, Buffer.from(path), Buffer.from('/../?%00&=#')).toString('latin1').replace(/[^!-~]/g, () => dice.pick(['_', '%2e', '%00', '%ff', '/', '\u00e9'])) : path;
  const type = dice.chance(0.97) ? 'application/json' : dice.pick(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', '']);
  const head = `${dice.chance(0.97) ? method : dice.pick(['HEAD', 'PATCH', 'TRACE', 'QUERY'])} ${url} HTTP/1.1\r\nHost: x\r\n${token}`;
  if (body === undefined) return Buffer.from(`${head}\r\n`, 'latin1');
  if (dice.chance(0.1)) return Buffer.concat([Buffer.from(`${head}Content-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n${sent.length.toString(16)}\r\n`, 'latin1'), sent, Buffer.from(sent.length === 0 ? '\r\n' : '\r\n0\r\n\r\n')]);
  return Buffer.concat([Buffer.from(`${head}Content-Type: ${type}\r\nContent-Length: ${sent.length}\r\n\r\n`, 'latin1'), sent]);
}

function input(dice: Dice, token: string): Buffer {
  const chosen = dice.pick(REQUESTS);
  // What costs the server most tells least.
  const whole = text(dice, COSTLY.includes(chosen[1]) && dice.chance(0.9) ? dice.pick(REQUESTS) : chosen, token);
  const kind = dice.below(60);
  if (kind === 0) return mutated(dice, whole, Buffer.from('Transfer-Encoding: chunked\r\nContent-Length: -1\r\n\r\n'));
  if (kind === 1) return Buffer.from(whole.toString('latin1').replace(/Content-Length: \d+/, dice.pick(['Content-Length: 99999999999', 'Content-Length: 1\r\nContent-Length: 2', 'Content-Length: 5\r\nTransfer-Encoding: chunked', 'Content-Length: 0x10'])), 'latin1');
  if (kind === 2) return Buffer.from(whole.toString('latin1').replace('Host: x\r\n', `Host: x\r\n${`X-${dice.below(1000)}: ${'y'.repeat(dice.below(200))}\r\n`.repeat(dice.below(300))}`), 'latin1');
  return whole;
}

class HttpAnswers implements Answers {
  count = 0;
  readonly rows = 0;
  #tail = '';

  push(data: Buffer): void {
    const seen = this.#tail + data.toString('latin1');
    for (const _ of seen.matchAll(/HTTP\/1\.1 [2-5]\d\d /g)) this.count++;
    // As much as cannot hold a whole mark.
    this.#tail = seen.slice(-12).replace(/HTTP\/1\.1 [2-5]\d\d /, '');
  }
}

export function httpDialogue(dice: Dice, { port, token }: { readonly port: number; readonly token: string }, count: number): Dialogue {
  const isStranger = dice.chance(0.5);
  const inputs = Array.from({ length: count }, () => input(dice, isStranger ? dice.pick(NO_TOKENS) : `Authorization: Bearer ${token}\r\n`));
  return { port, isStranger, opening: Buffer.alloc(0), inputs, answers: new HttpAnswers() };
}
