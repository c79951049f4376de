/** Certificates for tests, made by openssl at run time. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

function openssl(directory: string, ...words: string[]): void {
  const done = spawnSync('openssl', words, { cwd: directory, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`openssl ${words.join(' ')}: ${done.stderr}`);
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** `<name>.pem` and `<name>-key.pem` of an authority. */
export function makeAuthority(directory: string, name: string): void {
  openssl(directory, 'req', '-x509', ...KEY, '-keyout', `${name}-key.pem`, '-out', `${name}.pem`, '-days', '60', '-subj', `/CN=${name}`);
}

/** `<name>.pem` and `<name>-key.pem` of a server at 127.0.0.1, signed by the authority. `more`: lines of extensions. */
export function makeCertificate(directory: string, name: string, authority: string, days = 30, more = ''): void {
  writeFileSync(join(directory, 'extensions'), `subjectAltName=IP:127.0.0.1,DNS:localhost\n${more}`);
  openssl(directory, 'req', ...KEY, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  openssl(directory, 'x509', '-req', '-in', `${name}.csr`, '-CA', `${authority}.pem`, '-CAkey', `${authority}-key.pem`, '-CAcreateserial', '-days', String(days), '-out', `${name}.pem`, '-extfile', 'extensions');
}
