/** Mutual TLS between the servers of a group: both sides show a certificate that the authority `server_ca` has signed. */
import { credentials, experimental } from '@grpc/grpc-js';
import type { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import type { Certificates } from '../base/certificates.ts';
import type { PeerCredentials } from './raft-channel.ts';

type Provider = experimental.CertificateProvider;

/** grpc-js asks for certificates through listeners, and tells its server to use new ones for new connections. */
class CurrentCertificates implements Provider {
  #current: Required<Certificates>;
  readonly #ca = new Set<experimental.CaCertificateUpdateListener>();
  readonly #identity = new Set<experimental.IdentityCertificateUpdateListener>();

  constructor(certificates: Certificates) {
    this.#current = certificates;
  }

  set(certificates: Certificates): void {
    this.#current = certificates;
    for (const listener of this.#ca) this.#tellCa(listener);
    for (const listener of this.#identity) this.#tellIdentity(listener);
  }

  #tellCa(listener: experimental.CaCertificateUpdateListener): void {
    const { ca } = this.#current;
    listener(ca === undefined ? null : { caCertificate: ca });
  }

  #tellIdentity(listener: experimental.IdentityCertificateUpdateListener): void {
    listener({ certificate: this.#current.cert, privateKey: this.#current.key });
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#ca.add(listener);
    process.nextTick(() => this.#tellCa(listener));
  }

  removeCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#ca.delete(listener);
  }

  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identity.add(listener);
    process.nextTick(() => this.#tellIdentity(listener));
  }

  removeIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identity.delete(listener);
  }
}

function channelCredentials({ ca, key, cert }: Certificates): ChannelCredentials {
  return credentials.createSsl(ca ?? null, key, cert);
}

/** Credentials for both ends; `use` puts new certificates in place, for the connections made from then on. */
export function peerTls(certificates: Certificates): { readonly credentials: PeerCredentials; use(certificates: Certificates): void } {
  const provider = new CurrentCertificates(certificates);
  let channel = channelCredentials(certificates);
  let current = certificates;
  return {
    credentials: {
      server: experimental.createCertificateProviderServerCredentials(provider, provider, true),
      get channel() {
        return channel;
      },
      get certificates() {
        return current;
      },
    },
    use(next) {
      provider.set(next);
      channel = channelCredentials(next);
      current = next;
    },
  };
}

/** Credentials of a server whose clients need no certificate. */
export function clientTls(certificates: Certificates): { readonly server: ServerCredentials; use(certificates: Certificates): void } {
  const provider = new CurrentCertificates(certificates);
  return { server: experimental.createCertificateProviderServerCredentials(provider, provider, false), use: (next) => provider.set(next) };
}
