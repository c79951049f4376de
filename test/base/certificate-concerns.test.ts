/** What the others will not like about a certificate is said where it is used. */
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateConcerns } from '../../src/base/certificate-concerns.ts';
import { CertificateWatch, readCertificates } from '../../src/base/certificates.ts';
import { hasOpenssl, makeAuthority, makeCertificate } from '../server/certificates.ts';

const directory = mkdtempSync(join(tmpdir(), 'lgraph-certificates-'));
const DAY_MS = 86_400_000;
const files = (name: string, ca = 'ca') => ({ cert: join(directory, `${name}.pem`), key: join(directory, `${name}-key.pem`), ca: join(directory, `${ca}.pem`) });
const peer = { hosts: ['127.0.0.1'], isPeer: true };
const of = (name: string, { ca = 'ca', bearer = peer, inDays = 0 } = {}) => certificateConcerns(readCertificates(files(name, ca)), bearer, Date.now() + inDays * DAY_MS);

describe.skipIf(!hasOpenssl)('concerns about certificates (needs openssl)', () => {
  beforeAll(() => {
    makeAuthority(directory, 'ca');
    makeAuthority(directory, 'other');
    makeCertificate(directory, 'good', 'ca', 25);
    makeCertificate(directory, 'brief', 'ca', 3);
    makeCertificate(directory, 'servers', 'ca', 25, 'extendedKeyUsage=serverAuth\n');
    makeCertificate(directory, 'between', 'ca', 25, 'basicConstraints=CA:TRUE\n');
    makeCertificate(directory, 'below', 'between', 25);
    copyFileSync(join(directory, 'below-key.pem'), join(directory, 'chain-key.pem'));
    copyFileSync(join(directory, 'below.pem'), join(directory, 'chain.pem'));
    appendFileSync(join(directory, 'chain.pem'), readFileSync(join(directory, 'between.pem')));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('has none about one that is well', () => {
    expect(of('good')).toEqual([]);
    expect(of('chain')).toEqual([]);
    expect(of('good', { bearer: { hosts: ['localhost'], isPeer: false } })).toEqual([]);
  });

  it('tells one that is out of its time, or soon is', () => {
    expect(of('good', { inDays: 26 })).toEqual([expect.stringMatching(/^the certificate has expired at \d{4}-/)]);
    expect(of('good', { inDays: 20 })).toContainEqual(expect.stringMatching(/^the certificate expires at /));
    expect(of('good', { inDays: -2 })).toContainEqual(expect.stringMatching(/^the certificate is not valid before /));
    expect(of('chain', { inDays: 26 })).toContainEqual(expect.stringMatching(/authority CN=between has expired/));
    expect(of('good', { inDays: 61 })).toContainEqual(expect.stringMatching(/authority CN=ca has expired/));
  });

  it('tells one that others will not take: another address, authority or purpose', () => {
    expect(of('good', { bearer: { hosts: ['10.9.9.9'], isPeer: true } })).toEqual([expect.stringContaining('does not name 10.9.9.9 (subjectAltName: IP Address:127.0.0.1, DNS:localhost)')]);
    expect(of('good', { ca: 'other' })).toEqual([expect.stringContaining('not signed by an authority in server_ca')]);
    expect(of('below')).toEqual([expect.stringContaining('not signed by an authority in server_ca')]);
    expect(of('servers')).toEqual([expect.stringContaining('lacks clientAuth')]);
    expect(of('servers', { bearer: { hosts: ['127.0.0.1'], isPeer: false } })).toEqual([]);
  });

  it('tells each once, at the start, with new files, and as time passes', () => {
    const use = (name: string) => {
      for (const end of ['.pem', '-key.pem']) copyFileSync(join(directory, name + end), join(directory, `used${end}`));
    };
    const told: string[] = [];
    let nowMs = Date.now();
    use('servers');
    const watch = new CertificateWatch(files('used'), {
      intervalMs: 0, onChange: () => undefined, onProblem: () => undefined,
      concerns: (certificates) => certificateConcerns(certificates, peer, nowMs), onConcern: (message) => void told.push(message),
    });
    watch.reload();
    expect(told).toEqual([expect.stringContaining('lacks clientAuth')]);
    use('good');
    watch.reload();
    nowMs += 20 * DAY_MS;
    watch.reload();
    watch.reload();
    expect(told.slice(1)).toContainEqual(expect.stringMatching(/^the certificate expires at/));
    const before = told.length;
    use('brief');
    watch.reload();
    expect(told.slice(before)).toEqual([expect.stringMatching(/^the certificate has expired at/)]);
  });
});
