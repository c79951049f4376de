/**
 * GET /livez and /readyz, without login: for people, load balancers and `HEALTHCHECK`.
 *
 * /livez says that the process answers. /readyz says line by line what is and is not well, runs a real query, and after a start waits until what the group
 * had by then is here.
 */
import type { FastifyInstance } from 'fastify';
import { asDbError } from '../base/errors.ts';
import type { Service } from '../service/service.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

const ASK_MS = 500;

/** Whether this server has had, since its start, all that its group had committed by then: before that it answers from the past. */
class CatchUp {
  readonly #service: Service;
  #wanted: number | undefined;
  #isDone = false;

  constructor(service: Service) {
    this.#service = service;
    this.#isDone = service.options.isWitness;
  }

  async check(hasLeader: boolean): Promise<Check> {
    const name = 'caught_up';
    if (this.#isDone) return { name, ok: true, text: 'ok' };
    if (hasLeader) this.#wanted ??= await this.#service.options.group.readIndex(ASK_MS).catch(() => undefined);
    if (this.#wanted === undefined) return { name, ok: false, text: 'no leader has confirmed how far the group is' };
    this.#isDone = this.#service.version >= this.#wanted;
    return { name, ok: this.#isDone, text: this.#isDone ? 'ok' : `version ${this.#service.version}, and the group had ${this.#wanted} when this server came back` };
  }
}

async function checks(service: Service, catchUp: CatchUp): Promise<Check[]> {
  const status = await service.status();
  const leader = service.options.group.leader;
  const isGroup = status.waitingFor === undefined;
  const lag = Math.max(0, status.groupCommit - status.appliedIndex);
  return [
    { name: 'group', ok: isGroup, text: isGroup ? 'ok' : `waiting for ${status.waitingFor}` },
    { name: 'leader', ok: leader !== undefined, text: leader === undefined ? 'none known' : `ok ${leader.rpcAddress} term ${status.term}` },
    { name: 'applied', ok: lag < 10_000, text: `${lag < 10_000 ? 'ok' : 'behind'} version ${service.version}, ${lag} behind` },
    await catchUp.check(isGroup && leader !== undefined),
    readCheck(service),
  ];
}

function readCheck(service: Service): Check {
  if (service.options.isWitness) return { name: 'read', ok: true, text: 'not here: a witness holds no data' };
  try {
    const nodes = service.read((point) => point.view('default').nodeCount());
    return { name: 'read', ok: true, text: `ok ${nodes} vertices in default` };
  } catch (error) {
    return { name: 'read', ok: false, text: asDbError(error).message };
  }
}

export function healthRoutes(app: FastifyInstance, service: Service): void {
  const catchUp = new CatchUp(service);

  app.get('/livez', async (_, reply) => {
    void reply.type('text/plain');
    return 'ok\n';
  });

  app.get('/readyz', async (_, reply) => {
    const all = await checks(service, catchUp);
    void reply.code(all.every((one) => one.ok) ? 200 : 503).type('text/plain');
    return all.map((one) => `[${one.ok ? '+' : '-'}]${one.name} ${one.text}\n`).join('');
  });

  /** 200 only on the server that takes writes itself: for a balancer that sends writes to the leader. */
  app.get('/writable', async (_, reply) => {
    const writable = service.options.group.isLeader;
    void reply.code(writable ? 200 : 503).type('text/plain');
    return writable ? 'ok\n' : `the leader is ${service.options.group.leader?.restAddress ?? 'unknown'}\n`;
  });
}
