import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Script } from './script.ts';

const folder = resolve(import.meta.dirname, '../golden/raft');

/** A file is a story: commands, and behind each (indented) what happened. UPDATE=1 writes it down anew. */
function play(text: string, mutant?: string): string {
  const script = new Script(new Set(mutant === undefined ? [] : [mutant]));
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('  ')) continue;
    lines.push(line);
    const command = line.replace(/#.*/, '').trim();
    if (command === '') continue;
    const isQuiet = command.endsWith(' quietly');
    const happened = script.run(isQuiet ? command.slice(0, -' quietly'.length) : command);
    if (!isQuiet) for (const what of happened) lines.push(`  ${what}`);
  }
  return lines.join('\n');
}

describe('raft scenarios', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.txt')).sort()) {
    it(name.replace('.txt', '').replaceAll('_', ' '), () => {
      const path = resolve(folder, name);
      const text = readFileSync(path, 'utf8');
      const played = play(text);
      if (process.env.UPDATE === '1' && played !== text) writeFileSync(path, played);
      else expect(played).toBe(text);
    });
  }
});

/** Deliberate bugs that random histories hardly ever reach, and the scenario that each changes. */
const MUTANTS: readonly (readonly [mutant: string, scenario: string])[] = [
  ['commit-beyond-match', 'commit_stops_at_what_matched'], ['changes-before-own-commit', 'change_before_own_commit_refused'],
  ['lease-in-transfer', 'lease_ends_with_transfer'], ['votes-after-restart', 'lease_protected_after_restart'], ['no-lease', 'lease_refuses_votes'],
  ['lease-too-long', 'lease_expires'], ['proposes-in-transfer', 'transfer_gives_up'],
  ['reuses-read-ids', 'read_ids_are_not_reused'], ['forgets-answers', 'older_copy_remembers_its_vote'], ['suspect-commits', 'older_copy_commits_nothing_unproved'], ['leaves-early', 'leaving_server_is_needed'],
  ['never-stands-back', 'entries_do_not_get_through'],
];

describe('scenarios that can fail', () => {
  it.each(MUTANTS)('%s changes %s', (mutant, scenario) => {
    const text = readFileSync(resolve(folder, `${scenario}.txt`), 'utf8');
    let played: string;
    try {
      played = play(text, mutant);
    } catch (error) {
      played = String(error);
    }
    expect(played).not.toBe(text);
  });
});
