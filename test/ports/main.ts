/**
 * `npm run fuzz:ports -- --inputs 1000000 --port bolt|rest|rpc|all --seed 1`: damaged conversations with the ports of a real server; ends
 * with 1 if it fell, hung, leaked or told a stranger anything. `--from B` begins with that batch; `--broken_frames` sends wrong HTTP/2, too.
 */
import { parseArgs } from 'node:util';
import { fuzzPort, PORTS, type PortName } from './run.ts';

const { values } = parseArgs({ options: { inputs: { type: 'string', default: '100000' }, port: { type: 'string', default: 'all' }, seed: { type: 'string', default: '1' }, from: { type: 'string', default: '0' }, broken_frames: { type: 'boolean', default: false } } });
if (values.port !== 'all' && !PORTS.includes(values.port as PortName)) {
  process.stderr.write(`--port is ${PORTS.join(', ')} or all\n`);
  process.exit(2);
}
const EVERY_MS = 10_000;

for (const [i, port] of PORTS.entries()) {
  if (values.port !== 'all' && values.port !== port) continue;
  let shownMs = 0;
  const line = (t: Awaited<ReturnType<typeof fuzzPort>>): string => (
    `${port}: ${t.inputs} inputs, ${t.answered} of them answered, ${t.connections} connections, ${Math.round(t.inputs / t.seconds)} inputs/s, at most ${Math.round(t.rssMbMax)} MB, slowest check ${Math.round(t.slowestMs)} ms\n`);
  try {
    const totals = await fuzzPort({
      port, inputs: Number(values.inputs), seed: Number(values.seed), from: Number(values.from), brokenFrames: values.broken_frames, basePort: 31_000 + i * 50,
      onBatch: (t) => {
        if (performance.now() - shownMs < EVERY_MS) return;
        shownMs = performance.now();
        process.stdout.write(line(t));
      },
    });
    process.stdout.write(`done ${line(totals)}`);
  } catch (error) {
    process.stdout.write(`FAILED ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
