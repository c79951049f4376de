import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DbError } from '../../src/base/errors.ts';
import { parseStatement } from '../../src/cypher/parser/parse.ts';
import { hasFeatures, readScenarios, SHARED } from './tck/features.ts';

describe.skipIf(!hasFeatures)('openCypher TCK (skipped where the shared folder is absent)', () => {
  it('parses every statement that is not expected to be a syntax error', () => {
    const failed: string[] = [];
    let parsed = 0;
    for (const scenario of readScenarios()) {
      const wantsError = scenario.steps.some((step) => / should be raised at /.test(step.text));
      if (wantsError || scenario.tags.includes('@ignore')) continue;
      for (const step of scenario.steps) {
        if (step.doc === undefined) continue;
        try {
          parseStatement(step.doc);
          parsed++;
        } catch (error) {
          failed.push(`${scenario.file}:${scenario.line} ${String((error as Error).message)}`);
        }
      }
    }
    expect(failed).toEqual([]);
    expect(parsed).toBeGreaterThan(3000);
  });
});

const ldbc = resolve(SHARED, 'ldbc/queries');
describe.skipIf(!existsSync(ldbc))('LDBC SNB Interactive (skipped where the shared folder is absent)', () => {
  it.each(['original', 'portable', 'falkordb'])('parses every %s query', (folder) => {
    for (const file of readdirSync(resolve(ldbc, folder))) {
      const text = readFileSync(resolve(ldbc, folder, file), 'utf8');
      for (const statement of text.split(/^;\s*$/m)) {
        if (statement.replace(/\/\/.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '').trim() === '') continue;
        expect(() => parseStatement(statement), `${folder}/${file}`).not.toThrow();
      }
    }
  });
});

function errorOf(text: string): string {
  try {
    parseStatement(text);
  } catch (error) {
    if (error instanceof DbError) return error.message;
    throw error;
  }
  return 'parsed';
}

describe('syntax errors', () => {
  it('names the place, what was expected and what was perhaps meant', () => {
    expect(errorOf('MATCH (n) RETRUN n')).toMatchInlineSnapshot(`
      "UnexpectedSyntax: expected a clause or the end of the statement but found "RETRUN" — did you mean RETURN? (line 1, column 11)
      "MATCH (n) RETRUN n"
                 ^"
    `);
    expect(errorOf('MATCH (n)\nWHERE n.age >\nRETURN n')).toMatchInlineSnapshot(`
      "UnexpectedSyntax: expected an expression but found "RETURN" (line 3, column 1)
      "RETURN n"
       ^"
    `);
    expect(errorOf('MATCH (n RETURN n')).toMatchInlineSnapshot(`
      "UnexpectedSyntax: expected ')' but found "RETURN" (line 1, column 10)
      "MATCH (n RETURN n"
                ^"
    `);
    expect(errorOf("RETURN 'abc")).toMatchInlineSnapshot(`
      "UnexpectedSyntax: this string is never closed: expected ' (line 1, column 8)
      "RETURN 'abc"
              ^"
    `);
    expect(errorOf('')).toMatchInlineSnapshot(`
      "UnexpectedSyntax: expected a clause but found the end of the statement (line 1, column 1)
      ""
       ^"
    `);
    expect(errorOf('CREATE INDX FOR (n:L) ON (n.k)')).toMatchInlineSnapshot(`
      "UnexpectedSyntax: expected a node pattern such as '(n)' but found "INDX" (line 1, column 8)
      "CREATE INDX FOR (n:L) ON (n.k)"
              ^"
    `);
  });

  it('refuses statements that are nested too deeply instead of exhausting the stack', () => {
    expect(errorOf(`RETURN ${'('.repeat(5000)}1${')'.repeat(5000)}`)).toContain('nested deeper than');
  });
});

it('looks for names made of words of the language once, however often they are used', () => {
  const text = `WITH ${'1 AS x, '.repeat(100_000)}2 AS match RETURN [${'match, '.repeat(100_000)}match]`;
  expect(parseStatement(text).body.kind).toBe('Query');
  expect(() => parseStatement(`RETURN [${'1, '.repeat(10)}match] AS match`)).toThrow('expected an expression but found "match"');
});
