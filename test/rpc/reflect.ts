/** A client made of what a server tells about itself: no file of ours is read. */
import { loadPackageDefinition, makeGenericClientConstructor } from '@grpc/grpc-js';
import type { Client, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { credentials } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { serviceOf } from '../../src/rpc/client-proto.ts';

interface Reply {
  list_services_response?: { service: { name: string }[] };
  file_descriptor_response?: { file_descriptor_proto: Buffer[] };
  error_response?: { error_message: string };
}

async function ask(address: string, version: string, question: object): Promise<Reply> {
  const Reflection = makeGenericClientConstructor(serviceOf(`grpc.reflection.${version}.ServerReflection`) as never, 'reflection');
  const client = new Reflection(address, credentials.createInsecure()) as never as Client & { ServerReflectionInfo(): ClientDuplexStream<object, Reply> };
  const stream = client.ServerReflectionInfo();
  stream.write(question);
  const reply = await new Promise<Reply>((resolve, reject) => stream.once('data', resolve).once('error', reject));
  stream.end();
  stream.on('error', () => undefined);
  client.close();
  return reply;
}

/** FileDescriptorSet with one file: field 1, delimited. */
function setOf(file: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = file.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), file]);
}

export async function describe(address: string, version: string): Promise<{ services: string[]; callWith(credentials: unknown, service: string, method: string, request: object): Promise<object> }> {
  const services = (await ask(address, version, { list_services: '*' })).list_services_response!.service.map(({ name }) => name);
  return {
    services,
    async callWith(how, service, method, request) {
      const [file] = (await ask(address, version, { file_containing_symbol: `${service}.${method}` })).file_descriptor_response!.file_descriptor_proto;
      const definition = loadFileDescriptorSetFromBuffer(setOf(file!), { keepCase: true, longs: String });
      let at: unknown = loadPackageDefinition(definition);
      for (const name of service.split('.')) at = (at as Record<string, unknown>)[name];
      const client = new (at as new (address: string, how: unknown) => Client & Record<string, (request: object, done: (error: ServiceError | null, answer: object) => void) => void>)(address, how);
      return new Promise((resolve, reject) => client[method]!(request, (error, answer) => {
        client.close();
        if (error === null) resolve(answer);
        else reject(error);
      }));
    },
  };
}
