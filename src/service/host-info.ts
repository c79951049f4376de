/** The machine and this process's part in it, in the forms TuGraph gives them: `GET /info` and `db.monitor.serverInfo()`. */
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { diskSpace } from '../base/disk-space.ts';
import type { GroupFacts } from './api.ts';

/** Means since the start of the process, in percent of one processor (`self`) and of all of them (`server`, the last minute). */
export function cpuInfo(): object {
  const { user, system } = process.cpuUsage();
  return { self: Math.round((user + system) / 1e4 / process.uptime()), server: Math.round((loadavg()[0]! / cpus().length) * 100), unit: '%' };
}

export function memoryInfo(): object {
  const kilobytes = (bytes: number) => Math.round(bytes / 1024);
  return { self: kilobytes(process.memoryUsage().rss), server_avail: kilobytes(freemem()), server_total: kilobytes(totalmem()), unit: 'KB' };
}

/** What this process read and wrote, as a mean since its start. */
export function diskRateInfo(): object {
  const { fsRead, fsWrite } = process.resourceUsage();
  const perSecond = (blocks: number) => Math.round((blocks * 512) / process.uptime());
  return { read: perSecond(fsRead), write: perSecond(fsWrite), unit: 'B/s' };
}

/** Of the disk the data is on. */
export function dataSpace(config: GroupFacts['config']): { readonly freeBytes: number; readonly totalBytes: number } {
  return diskSpace(String(config.find(([name]) => name === 'directory')?.[1] ?? '.'));
}
