/**
 * Faults of a chaos run. Each: begin, hold, heal; `await` resolves when it is healed. At most a minority of voters is down at a time,
 * except where a fault is about the whole group, so that the group must be available again soon after each.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const between = (random, low, high) => low + random() * (high - low);
const pick = (random, list) => list[Math.floor(random() * list.length)];

/** A victim: the leader half of the time. */
async function victim(chaos) {
  const leader = await chaos.findLeader();
  const running = chaos.hosts.filter((host) => host.isRunning);
  return leader !== undefined && chaos.random() < 0.5 ? leader : pick(chaos.random, running);
}

const others = (chaos, host) => chaos.hosts.filter((one) => one !== host);

async function goesAndComesBack(chaos, signal, pauseMs) {
  const host = await victim(chaos);
  await host.signal(signal);
  await sleep(between(chaos.random, 100, pauseMs));
  chaos.start(host);
  return host.name;
}

export const FAULTS = {
  kill: (chaos) => goesAndComesBack(chaos, 'SIGKILL', 3000),

  async killTwice(chaos) {
    const host = await victim(chaos);
    await host.signal('SIGKILL');
    chaos.start(host);
    await sleep(between(chaos.random, 50, 1500));
    await host.signal('SIGKILL');
    chaos.start(host);
    return host.name;
  },

  async killAll(chaos) {
    await Promise.all(chaos.hosts.map((host) => host.signal('SIGKILL')));
    await sleep(between(chaos.random, 200, 1000));
    for (const host of chaos.hosts) chaos.start(host);
    return 'all';
  },

  async pause(chaos) {
    const host = await victim(chaos);
    await host.signal('SIGSTOP');
    await sleep(between(chaos.random, 100, 8000));
    await host.signal('SIGCONT');
    return host.name;
  },

  async powerCut(chaos) {
    const host = await victim(chaos);
    await host.powerCut();
    await sleep(between(chaos.random, 0, 1000));
    chaos.start(host);
    return host.name;
  },

  async powerCutAll(chaos) {
    await Promise.all(chaos.hosts.map((host) => host.powerCut()));
    for (const host of chaos.hosts) chaos.start(host);
    return 'all';
  },

  async isolate(chaos) {
    const host = await victim(chaos);
    host.dropFrom(others(chaos, host));
    for (const other of others(chaos, host)) other.dropFrom([host]);
    await sleep(between(chaos.random, 500, 8000));
    for (const one of chaos.hosts) one.healNetwork();
    return host.name;
  },

  /** It hears nobody, and is heard. */
  async deaf(chaos) {
    const host = await victim(chaos);
    host.dropFrom(others(chaos, host));
    await sleep(between(chaos.random, 500, 8000));
    host.healNetwork();
    return host.name;
  },

  /** It is heard by nobody, and hears. */
  async mute(chaos) {
    const host = await victim(chaos);
    for (const other of others(chaos, host)) other.dropFrom([host]);
    await sleep(between(chaos.random, 500, 8000));
    for (const one of chaos.hosts) one.healNetwork();
    return host.name;
  },

  /** Two cannot hear each other while all others hear both (Cloudflare 2020). */
  async broken(chaos) {
    const a = await victim(chaos);
    const b = pick(chaos.random, others(chaos, a));
    a.dropFrom([b]);
    b.dropFrom([a]);
    await sleep(between(chaos.random, 500, 8000));
    a.healNetwork();
    b.healNetwork();
    return `${a.name} and ${b.name}`;
  },

  /** Nobody hears anybody. */
  async shatter(chaos) {
    for (const host of chaos.hosts) host.dropFrom(others(chaos, host));
    await sleep(between(chaos.random, 500, 4000));
    for (const host of chaos.hosts) host.healNetwork();
    return 'all';
  },

  async loss(chaos) {
    const percent = Math.round(between(chaos.random, 5, 40));
    for (const host of chaos.hosts) host.dropFrom(others(chaos, host), percent);
    await sleep(between(chaos.random, 2000, 8000));
    for (const host of chaos.hosts) host.healNetwork();
    return `${percent} %`;
  },

  async fullDisk(chaos) {
    const host = await victim(chaos);
    host.fillDisk();
    await sleep(between(chaos.random, 1000, 6000));
    host.emptyDisk();
    return host.name;
  },

  async clockJump(chaos) {
    const host = pick(chaos.random, chaos.hosts);
    const seconds = Math.round(between(chaos.random, -3600, 3600));
    host.setClock(seconds);
    await sleep(between(chaos.random, 500, 3000));
    if (chaos.random() < 0.5) host.setClock(0);
    return `${host.name} by ${seconds} s`;
  },

  async transfer(chaos) {
    await chaos.transfer();
    return 'leader';
  },

  leave: (chaos) => goesAndComesBack(chaos, 'SIGINT', 1000),

  async wipe(chaos) {
    // A witness may hold the only second copy of an entry: its disk is lost only while all replicas are up, as the rules ask.
    const host = await victim(chaos);
    await chaos.untilAllCaughtUp();
    await host.signal('SIGKILL');
    host.wipe();
    chaos.start(host);
    return host.name;
  },

  /** A server more, for a while. */
  async grow(chaos) {
    const { spare } = chaos;
    spare.wipe();
    spare.start(chaos.hosts[0].rpc);
    await chaos.untilReady(spare);
    await sleep(between(chaos.random, 100, 3000));
    await spare.signal('SIGINT');
    return spare.name;
  },

  async rollingRestart(chaos) {
    for (const host of chaos.hosts) {
      await host.signal('SIGTERM');
      chaos.start(host);
      await chaos.untilReady(host);
    }
    return 'all';
  },
};

/** How often each is drawn, against the others. */
export const WEIGHTS = {
  kill: 6, killTwice: 2, killAll: 1, pause: 5, powerCut: 4, powerCutAll: 1, isolate: 5, deaf: 4, mute: 4, broken: 4, shatter: 2, loss: 4, fullDisk: 2,
  clockJump: 2, transfer: 4, leave: 2, grow: 2, wipe: 2, rollingRestart: 1,
};

export function drawFault(random, weights) {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  let at = random() * total;
  for (const [name, weight] of Object.entries(weights)) {
    at -= weight;
    if (at < 0) return name;
  }
  return 'kill';
}
