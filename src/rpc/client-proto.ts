/**
 * The services of clients on the gRPC port: their methods by path, with the two codecs of each. The definitions are read when the first
 * message is: that takes as long as a tenth of a start, and many servers never see a gRPC client.
 */
import { loadSync } from '@grpc/proto-loader';
import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { protoFile } from './proto-file.ts';

export const CLIENT_SERVICE = 'lgraph.v1.Lgraph';
export const HEALTH_SERVICE = 'grpc.health.v1.Health';
export const REFLECTION_SERVICES = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'] as const;

let loaded: PackageDefinition | undefined;

/** proto/*.proto of clients, loaded once per thread. 64-bit integers are text, an unset oneof has no name. */
export function clientProtos(): PackageDefinition {
  loaded ??= loadSync(['lgraph', 'health', 'reflection-v1', 'reflection-v1alpha'].map((name) => protoFile(`${name}.proto`)), { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true });
  return loaded;
}

export function serviceOf(name: string): ServiceDefinition {
  return clientProtos()[name] as ServiceDefinition;
}

/** Methods that need what the main thread has, by service, as proto/ has them; reflection does not. */
export const RELAYED_METHODS: Readonly<Record<string, readonly string[]>> = {
  [CLIENT_SERVICE]: ['Login', 'Run', 'Begin', 'Commit', 'Rollback', 'ImportSchema', 'ImportData', 'Version', 'Group'],
  [HEALTH_SERVICE]: ['Check', 'Watch'],
};

export function pathOf(service: string, method: string): string {
  return `/${service}/${method}`;
}

export function relayedPaths(): string[] {
  return Object.entries(RELAYED_METHODS).flatMap(([service, methods]) => methods.map((method) => pathOf(service, method)));
}
