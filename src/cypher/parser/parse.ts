/**
 * Statement text → syntax tree. Knows neither the graph nor the procedures: what the text alone says.
 */
import type { Statement } from '../ast.ts';
import { parseQuery } from './clauses.ts';
import { isCommandAhead, parseCommand } from './commands.ts';
import { CLAUSE_KEYWORDS, Cursor } from './cursor.ts';
import type { Token } from './lexer.ts';

/** `tokens`: those of the text, if something has been done to them (see literals.ts). */
export function parseStatement(text: string, tokens?: readonly Token[]): Statement {
  const c = new Cursor(text, tokens);
  let mode: Statement['mode'] = 'run';
  let graph: string | undefined;
  for (;;) {
    if (c.isWord('EXPLAIN') || c.isWord('PROFILE')) {
      mode = c.token.key === 'EXPLAIN' ? 'explain' : 'profile';
      c.at++;
    } else if (c.isWord('CYPHER')) {
      skipQueryOptions(c);
    } else if (c.isWord('USE') && c.isName(1)) {
      c.at++;
      graph = c.expectName('a graph');
      while (c.takePunct('.')) graph += `.${c.expectName('a graph')}`;
    } else break;
  }
  const body = isCommandAhead(c) ? parseCommand(c) : parseQuery(c);
  while (c.takePunct(';'));
  if (c.token.type !== 'end') throw c.expected('a clause or the end of the statement', expectedNext(body));
  return { mode, graph, body };
}

function expectedNext(body: Statement['body']): readonly string[] {
  if (body.kind !== 'Query') return ['YIELD', 'WHERE', 'RETURN'];
  return [...CLAUSE_KEYWORDS, 'AND', 'OR', 'AS', 'ASC', 'DESC', 'IN', 'IS', 'STARTS', 'ENDS', 'CONTAINS'];
}

/** `CYPHER 5 planner=cost`: options of another engine's planner. */
function skipQueryOptions(c: Cursor): void {
  c.expectWord('CYPHER');
  if (c.token.type === 'integer' || c.token.type === 'float') c.at++;
  while (c.isName() && c.isPunct('=', 1)) c.at += 3;
}
