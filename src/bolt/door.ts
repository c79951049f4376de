/** What Bolt needs of the service: the parts of its classes by shape, so that tests bring their own. */
import type { Principal } from '../service/api.ts';
import type { Service, ServiceOptions } from '../service/service.ts';
import type { BeginOptions, ResultStream, RunOptions } from '../service/session.ts';
import type { TaskRegistry } from '../service/tasks.ts';

export type Results = Pick<ResultStream, 'columns' | 'type' | 'version' | 'summary' | 'next' | 'discard'>;

export interface OpenTransaction {
  run(text: string, options: RunOptions): Promise<Results>;
  commit(): Promise<{ readonly version: number }>;
  rollback(): Promise<void>;
}

export interface Work {
  run(text: string, options: RunOptions): Promise<Results>;
  begin(options: BeginOptions): Promise<OpenTransaction>;
  beginDeferred(options: BeginOptions): OpenTransaction;
}

export interface Door extends Pick<Service, 'checkPassword' | 'authenticate' | 'status'> {
  readonly options: Pick<ServiceOptions, 'disableAuth' | 'serverVersion'> & { readonly tasks: Pick<TaskRegistry, 'kill'> };
  session(principal: Principal): Work;
}
