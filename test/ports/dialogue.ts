/** What one connection is sent, how its answers are counted, and the playing of it. */
import { connect } from 'node:net';

export interface Dialogue {
  readonly port: number;
  /** Knows no password and no token, nor is one in anything that it sends. */
  readonly isStranger: boolean;
  /** Sent first, as it should be. */
  readonly opening: Buffer;
  readonly inputs: readonly Buffer[];
  readonly answers: Answers;
}

export interface Answers {
  /** Inputs that are answered by what has come so far. */
  push(data: Buffer): void;
  readonly count: number;
  /** Rows that came, where the protocol tells them from the rest. */
  readonly rows: number;
}

export interface Played {
  /** How many inputs the server has surely met: those it answered, and the one it hung up on. */
  readonly inputs: number;
  readonly answered: number;
  readonly rows: number;
  readonly told: boolean;
}

/** Silence until the connection is half closed, and then until it is broken off. */
const IDLE_MS = 80;
const CLOSE_MS = 800;
/** Inputs sent before the first is answered. */
const AHEAD = 24;
const KEPT = 64;

/** Sends everything, and waits for the answers, or until the server hangs up or has nothing more to say. `canary`: what is looked for in the answers. */
export function play({ port, opening, inputs, answers }: Dialogue, canary: Buffer): Promise<Played> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let sent = 0;
    let told = false;
    let tail = Buffer.alloc(0);
    let hungUp = false;
    const sendMore = () => {
      const until = Math.min(inputs.length, answers.count + AHEAD);
      if (sent < until && !isEnding && !socket.destroyed) socket.write(Buffer.concat(inputs.slice(sent, until)));
      sent = Math.max(sent, until);
    };
    let isEnding = false;
    let broken: NodeJS.Timeout | undefined;
    socket.setTimeout(IDLE_MS, () => {
      if (isEnding) return;
      isEnding = true;
      socket.end();
      // Whatever still comes: what was left open may say something every now and then.
      broken = setTimeout(() => socket.destroy(), CLOSE_MS);
    });
    socket.on('connect', () => {
      socket.write(opening);
      sendMore();
    });
    socket.on('data', (data: Buffer) => {
      const seen = Buffer.concat([tail, data]);
      told ||= seen.includes(canary);
      tail = Buffer.from(seen.subarray(Math.max(0, seen.length - KEPT)));
      answers.push(data);
      if (answers.count >= inputs.length) socket.destroy();
      else sendMore();
    });
    socket.on('end', () => {
      hungUp ||= !isEnding;
    });
    socket.on('error', () => {
      hungUp = true;
    });
    socket.on('close', () => {
      clearTimeout(broken);
      const answered = Math.min(answers.count, inputs.length);
      // Silence may be a length that lies: the rest was taken for a part of it.
      resolve({ inputs: Math.min(inputs.length, hungUp ? answered + 1 : Math.max(answered, Math.min(sent, answered + 1))), answered, rows: answers.rows, told });
    });
  });
}
