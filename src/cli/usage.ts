/** What the command lines of the tools have in common. */

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
