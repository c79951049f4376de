/** The services of clients on the gRPC port: their methods by path, with the two codecs of each. */
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

/** Paths of the methods that need what the main thread has; reflection does not. */
export function relayedPaths(): string[] {
  return [CLIENT_SERVICE, HEALTH_SERVICE].flatMap((name) => Object.values(serviceOf(name)).map(({ path }) => path));
}
