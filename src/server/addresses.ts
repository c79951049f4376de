/** The addresses of one server: what it tells clients and the group, and where it is reached on its own machine. */
import type { Bearer } from '../base/certificate-concerns.ts';
import type { Config } from './options.ts';

export interface ServerAddresses {
  readonly rest: string;
  readonly rpc: string;
  readonly bolt: string;
  /** REST as reached from this machine, whatever is advertised. */
  readonly local: string;
}

/** The addresses of a list such as ha_conf. */
export function addressList(text: string): string[] {
  return text.split(',').map((address) => address.trim()).filter((address) => address !== '');
}

const ANY: readonly string[] = ['0.0.0.0', '::', ''];

/** An IPv6 address has brackets before a port. */
function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

export function addressesOf(config: Pick<Config, 'host' | 'advertised_host' | 'port' | 'rpc_port' | 'bolt_port'>): ServerAddresses {
  const local = bracketed(config.host === '::' ? '::1' : ANY.includes(config.host) ? '127.0.0.1' : config.host);
  const told = config.advertised_host === '' ? local : bracketed(config.advertised_host);
  return {
    rest: `${told}:${config.port}`,
    rpc: `${ANY.includes(config.host) ? told : local}:${config.rpc_port}`,
    bolt: config.bolt_port === 0 ? '' : `${told}:${config.bolt_port}`,
    local: `${local}:${config.port}`,
  };
}

/** Whom the certificate of this server has to stand for. Without a concrete address nobody knows how clients reach it. */
export function bearerOf(config: Pick<Config, 'host' | 'advertised_host' | 'enable_ha' | 'ha_tls'>): Bearer {
  const isPeer = config.enable_ha && config.ha_tls;
  const hosts = [config.advertised_host || config.host, ...(isPeer ? [config.host] : [])].filter((host) => !ANY.includes(host));
  return { hosts: [...new Set(hosts.map((host) => host.replace(/^\[|\]$/g, '')))], isPeer };
}
