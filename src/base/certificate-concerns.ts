/**
 * Why others will refuse a certificate that can be read and fits its key: it has run out, names other addresses, or comes from an
 * authority they do not trust. It is used all the same, since that is for the other side to judge by its own clock and list; but
 * whoever runs the server hears of it here, instead of from a group that does not form.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Certificates } from './certificates.ts';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;
const PURPOSES = { '1.3.6.1.5.5.7.3.1': 'serverAuth', '1.3.6.1.5.5.7.3.2': 'clientAuth' } as const;
const CHAIN_MAX = 10;

export interface Bearer {
  /** Hosts by which clients and the other servers know this one. */
  readonly hosts: readonly string[];
  /** Shown to the other servers of a group as well, from both sides of a connection. */
  readonly isPeer: boolean;
}

/** Sentences; none when all is well for the next two weeks. */
export function certificateConcerns({ cert, ca }: Certificates, { hosts, isPeer }: Bearer, nowMs: number): string[] {
  const [leaf, ...between] = parse(cert);
  if (leaf === undefined) return [];
  const found = [...validity('the certificate', leaf, nowMs)];
  for (const authority of between) found.push(...validity(`the certificate of the authority ${nameOf(authority)}`, authority, nowMs));
  for (const host of hosts) {
    const isNamed = isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host);
    if (isNamed === undefined) found.push(`the certificate does not name ${host} (subjectAltName: ${leaf.subjectAltName ?? 'none'}): who reaches this server by that address refuses it`);
  }
  if (!isPeer || ca === undefined) return found;
  const authorities = parse(ca);
  const root = rootOf(leaf, between, authorities);
  if (root === undefined) found.push('the certificate is not signed by an authority in server_ca: the other servers of the group refuse it');
  else found.push(...validity(`the certificate of the authority ${nameOf(root)}`, root, nowMs));
  // Without the extension it serves for everything.
  const missing = leaf.keyUsage === undefined ? [] : Object.entries(PURPOSES).filter(([id]) => !leaf.keyUsage.includes(id)).map(([, name]) => name);
  if (missing.length > 0) found.push(`the certificate lacks ${missing.join(' and ')} in its extendedKeyUsage: servers of a group need it for both sides of a connection`);
  return found;
}

function parse(pem: Buffer): X509Certificate[] {
  const blocks = pem.toString('latin1').match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      // What OpenSSL took and this cannot read is no reason to keep a server from starting.
      return [];
    }
  });
}

function nameOf(certificate: X509Certificate): string {
  return certificate.subject.replaceAll('\n', ', ');
}

function validity(what: string, certificate: X509Certificate, nowMs: number): string[] {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (nowMs < from) return [`${what} is not valid before ${iso(from)}: it is refused until then`];
  if (nowMs > to) return [`${what} has expired at ${iso(to)}: it is refused`];
  return nowMs > to - SOON_DAYS * DAY_MS ? [`${what} expires at ${iso(to)}`] : [];
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The trusted authority that the certificate leads to. */
function rootOf(leaf: X509Certificate, between: readonly X509Certificate[], authorities: readonly X509Certificate[]): X509Certificate | undefined {
  const signs = (by: X509Certificate, of: X509Certificate) => of.checkIssued(by) && of.verify(by.publicKey);
  let at = leaf;
  for (let length = 0; length < CHAIN_MAX; length++) {
    const trusted = authorities.find((authority) => authority.raw.equals(at.raw) || signs(authority, at));
    if (trusted !== undefined) return trusted;
    const next = between.find((authority) => authority !== at && signs(authority, at));
    if (next === undefined) return undefined;
    at = next;
  }
  return undefined;
}
