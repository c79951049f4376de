/** One version of one group's data, as backups name it. */
export interface BackupPoint {
  readonly clusterId: string;
  readonly version: number;
  /** Of the last change in it, ms since 1970. */
  readonly timeMs: number;
  /** When the server was asked for it, ms since 1970. */
  readonly askedMs: number;
  readonly checksum: string;
  readonly serverVersion: string;
}
