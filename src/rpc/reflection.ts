/**
 * Server reflection, v1 and v1alpha: the descriptors of the client services, for grpcurl and its kin.
 * https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
import { status } from '@grpc/grpc-js';
import type { Server, ServerDuplexStream, ServiceDefinition as GrpcServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';
import { CLIENT_SERVICE, HEALTH_SERVICE, REFLECTION_SERVICES, clientProtos, pathOf, serviceOf } from './client-proto.ts';

interface Question {
  readonly message_request?: string;
  readonly [field: string]: unknown;
}

interface Descriptors {
  readonly byName: ReadonlyMap<string, Buffer>;
  readonly byPackage: ReadonlyMap<string, Buffer>;
  readonly symbols: ReadonlySet<string>;
}

const SERVICES = [CLIENT_SERVICE, HEALTH_SERVICE, ...REFLECTION_SERVICES];

/** The texts `name` (field 1) and `package` (field 2) at the start of a FileDescriptorProto; each shorter than 128 bytes. */
function headOf(file: Buffer): { readonly name: string; readonly pack: string } {
  const text = (at: number) => file.toString('utf8', at + 2, at + 2 + file[at + 1]!);
  const name = text(0);
  return { name, pack: text(2 + file[1]!) };
}

function descriptors(): Descriptors {
  const protos = clientProtos();
  const [first] = Object.values(protos).filter((one): one is MessageTypeDefinition<object, object> => 'fileDescriptorProtos' in one);
  const files = first!.fileDescriptorProtos;
  const methods = SERVICES.flatMap((service) => Object.keys(serviceOf(service)).map((method) => `${service}.${method}`));
  return {
    byName: new Map(files.map((file) => [headOf(file).name, file])), byPackage: new Map(files.map((file) => [headOf(file).pack, file])),
    symbols: new Set([...Object.keys(protos), ...methods]),
  };
}

function answer(question: Question, { byName, byPackage, symbols }: Descriptors): object {
  const asked = question.message_request;
  const text = asked === undefined ? '' : String(question[asked]);
  const file = (found: Buffer | undefined) => (found === undefined
    ? { error_response: { error_code: status.NOT_FOUND, error_message: `there is no ${text}` } }
    : { file_descriptor_response: { file_descriptor_proto: [found] } });
  switch (asked) {
    case 'list_services': return { list_services_response: { service: SERVICES.map((name) => ({ name })) } };
    case 'file_by_filename': return file(byName.get(text));
    case 'file_containing_symbol': return file(symbols.has(text) ? [...byPackage].find(([name]) => text.startsWith(`${name}.`))?.[1] : undefined);
    case 'all_extension_numbers_of_type':
      return symbols.has(text) ? { all_extension_numbers_response: { base_type_name: text, extension_number: [] } } : file(undefined);
    default: return { error_response: { error_code: status.NOT_FOUND, error_message: 'there are no extensions' } };
  }
}

const INFO = 'ServerReflectionInfo';

function infoDefinition(service: string): GrpcServiceDefinition {
  const codecs = () => serviceOf(service)[INFO]!;
  return { [INFO]: {
    path: pathOf(service, INFO), requestStream: true, responseStream: true,
    requestSerialize: (question: object) => codecs().requestSerialize(question), requestDeserialize: (bytes: Buffer) => codecs().requestDeserialize(bytes),
    responseSerialize: (answered: object) => codecs().responseSerialize(answered), responseDeserialize: (bytes: Buffer) => codecs().responseDeserialize(bytes),
  } };
}

/** `mayAsk`: whether an address may connect at all. */
export function addReflection(server: Server, mayAsk: (peer: string) => boolean): void {
  let known: Descriptors | undefined;
  const info = (call: ServerDuplexStream<Question, object>) => {
    call.on('error', () => undefined);
    if (!mayAsk(call.getPeer())) {
      call.emit('error', { code: status.PERMISSION_DENIED, details: 'this address may not connect' });
      return;
    }
    call.on('data', (question: Question) => {
      if (!call.write({ valid_host: question.host, original_request: question, ...answer(question, known ??= descriptors()) })) {
        call.pause();
        call.once('drain', () => call.resume());
      }
    });
    call.on('end', () => call.end());
  };
  for (const name of REFLECTION_SERVICES) server.addService(infoDefinition(name), { [INFO]: info } as unknown as UntypedServiceImplementation);
}
