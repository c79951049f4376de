/** A group of three servers with TLS on every port: clients, servers, tools, new certificates while it runs, and strangers. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import neo4j from 'neo4j-driver';
import type { Config } from 'neo4j-driver';
import WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateWatch, readCertificates } from '../../src/base/certificates.ts';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { eventually, RestClient, useTls } from '../../src/cli/rest-client.ts';
import { askPeer } from '../../src/rpc/peer-question.ts';
import { peerTls } from '../../src/rpc/peer-tls.ts';
import { RpcClient } from '../rpc/client.ts';
import { hasOpenssl, makeAuthority, makeCertificate } from '../server/certificates.ts';

const directory = mkdtempSync(join(tmpdir(), 'lgraph-tls-'));
const file = (name: string) => join(directory, name);
const root = resolve(import.meta.dirname, '../..');
let group: LocalGroup;

/** Serial number of the certificate that a port shows. */
function serialAt(port: number): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: readFileSync(file('ca.pem')) }, () => {
      done(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', failed);
  });
}

const files = (name: string) => ({ cert: file(`${name}.pem`), key: file(`${name}-key.pem`), ca: file('ca.pem') });

function use(name: string): void {
  for (const [from, to] of [[`${name}.pem`, 'server-cert.pem'], [`${name}-key.pem`, 'server-key.pem']] as const) {
    copyFileSync(file(from), file(`${to}.new`));
    renameSync(file(`${to}.new`), file(to));
  }
}

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  beforeAll(async () => {
    makeAuthority(directory, 'ca');
    makeAuthority(directory, 'other-ca');
    makeCertificate(directory, 'first', 'ca');
    makeCertificate(directory, 'second', 'ca');
    makeCertificate(directory, 'stranger', 'other-ca');
    use('first');
    useTls({ ca: readFileSync(file('ca.pem')) });
    group = await LocalGroup.create({
      size: 3, directory, basePort: 18_600,
      flags: ['--ssl_auth', 'true', '--server_cert', file('server-cert.pem'), '--server_key', file('server-key.pem'), '--server_ca', file('ca.pem'), '--tls_reload_s', '1'],
    });
    group.startAll();
    await group.ready();
  });

  afterAll(async () => {
    await group?.stopAll();
    useTls(undefined);
    rmSync(directory, { recursive: true });
  });

  const rest = () => group.servers[0]!;
  const trusted: Config = { encrypted: 'ENCRYPTION_ON', trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES', trustedCertificates: [file('ca.pem')] };
  const auth = neo4j.auth.basic('admin', '73@TuGraph');

  it('replicates, answers REST, and routes drivers', async () => {
    const client = await RestClient.login(rest().restAddress, 'admin', '73@TuGraph');
    await client.cypher(rest().restAddress, 'CREATE (n:T {a: 1})');
    for (const server of group.servers) expect((await client.cypher(server.restAddress, 'MATCH (n:T) RETURN n.a')).rows).toEqual([[1]]);
    const driver = neo4j.driver(group.servers[1]!.boltUri.replace('bolt:', 'neo4j:'), auth, trusted);
    await driver.executeQuery('CREATE (n:T {a: 2})');
    expect((await driver.executeQuery('MATCH (n:T) RETURN count(n) AS c', {}, { routing: 'READ' })).records[0]!.get('c')).toEqual(neo4j.int(2));
    await driver.close();
    const careless = neo4j.driver(group.servers[1]!.boltUri.replace('bolt:', 'bolt+ssc:'), auth);
    await careless.verifyConnectivity();
    await careless.close();
  });

  it('streams over REST, and answers gRPC clients that show a certificate', async () => {
    const client = await RestClient.login(rest().restAddress, 'admin', '73@TuGraph');
    let bytes = 0;
    for await (const part of await client.stream(rest().restAddress, '/export', { format: 'csv' })) bytes += part.length;
    expect(bytes).toBeGreaterThan(0);
    await expect(client.stream(rest().restAddress, '/export', { format: 'nonsense' })).rejects.toThrow('csv');
    const member = new RpcClient(rest().rpcAddress, {}, credentials.createSsl(readFileSync(file('ca.pem')), readFileSync(file('first-key.pem')), readFileSync(file('first.pem'))));
    await member.login();
    expect(await member.values('RETURN 1')).toEqual([['1']]);
    member.close();
    const without = new RpcClient(rest().rpcAddress, {}, credentials.createSsl(readFileSync(file('ca.pem'))));
    await expect(without.call('Login', { user: 'admin', password: '73@TuGraph' }, 3000)).rejects.toThrow();
    without.close();
  });

  it('speaks Bolt over a WebSocket with TLS', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${rest().ports.bolt}`, { ca: readFileSync(file('ca.pem')) });
    const answer = await new Promise<Buffer>((done, failed) => {
      socket.on('open', () => socket.send(Buffer.from('6060b0170000040400000000000000000000000000'.slice(0, 40), 'hex')));
      socket.on('message', (data) => done(data as Buffer));
      socket.on('error', failed);
    });
    socket.close();
    expect(answer.toString('hex')).toBe('00000404');
  });

  it('refuses whoever speaks in the clear or does not know the server', async () => {
    await expect(fetch(`http://${rest().restAddress}/livez`)).rejects.toThrow();
    const plain = neo4j.driver(rest().boltUri, auth, { connectionTimeout: 3000, maxTransactionRetryTime: 0 });
    await expect(plain.verifyConnectivity()).rejects.toThrow();
    await plain.close();
    const wary = neo4j.driver(rest().boltUri, auth, { ...trusted, trustedCertificates: [file('other-ca.pem')], maxTransactionRetryTime: 0 });
    await expect(wary.verifyConnectivity()).rejects.toThrow();
    await wary.close();
    const oldest = connectTls({ port: rest().ports.rest, host: '127.0.0.1', ca: readFileSync(file('ca.pem')), maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
    await expect(new Promise((done, failed) => oldest.once('secureConnect', done).once('error', failed))).rejects.toThrow();
  });

  it('outlives noise on its TLS ports', async () => {
    const { rest: http, bolt, rpc } = rest().ports;
    await Promise.all([http, bolt, rpc].flatMap((port) => [Buffer.from([0x16, 3, 1, 0xff, 0xff, 1, 2, 3]), Buffer.alloc(70_000, 0x16), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([0])].map((bytes) => new Promise<void>((done) => {
      const socket = connectTcp(port, '127.0.0.1', () => socket.end(bytes));
      socket.on('error', () => undefined).on('close', () => done()).resume();
      setTimeout(() => socket.destroy(), 500);
    }))));
    const client = await RestClient.login(rest().restAddress, 'admin', '73@TuGraph');
    expect((await client.cypher(rest().restAddress, 'RETURN 1')).rows).toEqual([[1]]);
  });

  it('lets no stranger speak as a server: the certificate of another authority, or none', async () => {
    const options = { secret: undefined, timeoutMs: 3000 };
    await askPeer(rest().rpcAddress, 'probe', {}, { ...options, credentials: peerTls(readCertificates(files('first'))).credentials });
    await expect(askPeer(rest().rpcAddress, 'probe', {}, options)).rejects.toThrow();
    await expect(askPeer(rest().rpcAddress, 'probe', {}, { ...options, credentials: peerTls(readCertificates(files('stranger'))).credentials })).rejects.toThrow();
  });

  it('has tools that speak TLS', () => {
    const peer = (...more: string[]) => spawnSync(process.execPath, [join(root, 'bin/lgraph_peer'), '--command', 'status', '--conf', group.conf, '-w', 'json', ...more], { encoding: 'utf8' });
    const shown = peer('--ca', file('ca.pem'), '--cert', file('first.pem'), '--key', file('first-key.pem'));
    expect(shown.stderr).toBe('');
    expect((JSON.parse(shown.stdout) as unknown[]).length).toBe(3);
    expect(peer('--ca', file('ca.pem')).stderr).toContain('belong together');
    expect(peer().status).toBe(1);
    const shell = spawnSync(process.execPath, [join(root, 'bin/lgraph_cli'), '--uri', rest().boltUri, '--ca', file('ca.pem'), '--format', 'csv', '--timing', 'false', '-e', 'RETURN 40 + 2 AS x'], { encoding: 'utf8' });
    expect(shell.stdout).toContain('42');
    expect(spawnSync(process.execPath, [join(root, 'dist/run/health.js'), join(rest().directory, 'data')]).status).toBe(0);
  });

  it('takes new certificates while it runs, keeps the old ones while the files do not go together', async () => {
    const { rest: http, bolt, rpc } = rest().ports;
    const old = await serialAt(http);
    expect(await serialAt(bolt)).toBe(old);
    // Half of a replacement, then something that is no certificate at all.
    copyFileSync(file('second.pem'), file('server-cert.pem'));
    const log = () => readFileSync(join(rest().directory, 'log'), 'utf8');
    await eventually('a word about files that do not go together', 10_000, async () => log().includes('do not go together'));
    expect(await serialAt(http)).toBe(old);
    use('second');
    await eventually('the new certificate', 10_000, async () => await serialAt(http) !== old);
    expect(await serialAt(bolt)).not.toBe(old);
    // The RPC port shows it too, to those who show one.
    await eventually('the new certificate on the RPC port', 10_000, () => new Promise<boolean>((done) => {
      const socket = connectTls({ port: rpc, host: '127.0.0.1', ...{ ca: readFileSync(file('ca.pem')), cert: readFileSync(file('first.pem')), key: readFileSync(file('first-key.pem')) }, ALPNProtocols: ['h2'] }, () => {
        done(socket.getPeerCertificate().serialNumber !== old);
        socket.destroy();
      });
      socket.on('error', () => done(false));
    }));
    // A server that starts again with it finds the others, whatever they began with.
    const follower = group.servers.find((server) => server !== rest())!;
    await group.stop(follower);
    group.start(follower);
    await group.readyOne(follower);
    const client = await RestClient.login(follower.restAddress, 'admin', '73@TuGraph');
    await client.cypher(follower.restAddress, 'CREATE (n:AfterReload)');
  });

  it('looks at once when it gets SIGHUP', async () => {
    const before = await serialAt(rest().ports.rest);
    use('first');
    rest().child!.kill('SIGHUP');
    await eventually('the first certificate again', 10_000, async () => await serialAt(rest().ports.rest) !== before);
  });

  it('refuses to start without what it needs', () => {
    const start = (...more: string[]) => spawnSync(process.execPath, [join(root, 'bin/lgraph_server'), '--check', '--directory', file('x'), ...more], { encoding: 'utf8' });
    const tls = ['--ssl_auth', 'true', '--server_cert', file('first.pem')];
    expect(start(...tls, '--server_key', file('missing.pem'))).toMatchObject({ status: 255, stdout: expect.stringContaining('cannot read server_key') as string });
    expect(start(...tls, '--server_key', file('second-key.pem'))).toMatchObject({ status: 255, stdout: expect.stringContaining('do not go together') as string });
    expect(start(...tls, '--server_key', file('first-key.pem'), '--enable_ha', 'true', '--host', '127.0.0.1', '--ha_conf', '127.0.0.1:1')).toMatchObject({ status: 255, stderr: expect.stringContaining('needs server_ca') as string });
    const key = readFileSync(file('first-key.pem'), 'utf8');
    const pasted = start(...tls, '--server_key', key);
    expect(pasted.status).toBe(255);
    expect(pasted.stdout + pasted.stderr).not.toContain(key.split('\n')[1]);
    writeFileSync(file('empty.pem'), '');
    expect(() => readCertificates({ ...files('first'), ca: file('empty.pem') })).toThrow();
  });

  it('tells a problem once', () => {
    const problems: string[] = [];
    copyFileSync(file('first.pem'), file('watched.pem'));
    const watch = new CertificateWatch({ ...files('first'), cert: file('watched.pem') }, { intervalMs: 0, onChange: () => undefined, onProblem: (message) => problems.push(message) });
    writeFileSync(file('watched.pem'), 'nonsense');
    watch.reload();
    watch.reload();
    expect(problems).toHaveLength(1);
    watch.stop();
  });
});

