import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Script } from './script.ts';

const folder = resolve(import.meta.dirname, '../golden/raft');

/** A file is a story: commands, and behind each (indented) what happened. UPDATE=1 writes it down anew. */
function play(text: string): string {
  const script = new Script();
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
