/** What the command lines of the tools have in common. */
import { DbError } from '../base/errors.ts';
import { RestError } from './rest-client.ts';

/** `-config_file x` is taken as `--config_file x`, as TuGraph's tools do. */
export function longFlags(words: readonly string[]): string[] {
  return words.map((word) => (/^-[a-z_]{2,}/.test(word) ? `-${word}` : word));
}

/** For `fail` of yargs: the message and where the usage is, exit code 255. */
export function usageFailure(tool: string): (message: string | undefined, error: Error | undefined) => never {
  return (message, error) => {
    process.stderr.write(`${tool}: ${message ?? error?.message ?? ''}\n${tool} --help shows the usage\n`);
    process.exit(255);
  };
}

/** Says what went wrong, with what to do; exit code 1. Only mistakes of ours come with a stack. */
export function failed(heading: string, error: unknown): void {
  const hint = error instanceof DbError && error.hint !== undefined ? `\n${error.hint}` : '';
  process.stderr.write(`${heading}\n${textOf(error)}${hint}\n`);
  process.exitCode = 1;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What the system says of a path or a connection is no mistake of ours.
  if (error instanceof DbError || error instanceof RestError || 'syscall' in error) return error.message;
  if (error.message === 'fetch failed' && error.cause instanceof Error) return `${error.message}: ${error.cause.message}`;
  return error.stack ?? error.message;
}
