/** What is backed up: a server, reached by whatever way. */
import type { BackupPoint } from '../../replica/backup-point.ts';

export interface BackupSource {
  newest(): Promise<BackupPoint>;
  /** The newest version, held under `token`: also for another process that knows it. */
  begin(): Promise<BackupPoint & { readonly token: string }>;
  /** A state file (replica/state-file.ts) with the pairs behind the key `after` (hex), about `bytesMax` bytes of them; without pairs at the end. Throws BackupExpired. */
  state(token: string, after: string, bytesMax: number): Promise<Buffer>;
  /** A file of log entries (replica/log-part.ts) that begins with `from` and ends at `to` or earlier. Throws LogNotKept. */
  log(from: number, to: number, bytesMax: number): Promise<Buffer>;
  end(token: string): Promise<void>;
}
