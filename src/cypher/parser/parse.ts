/**
 * Statement text → syntax tree. Knows neither the graph nor the procedures: what the text alone says.
 */
import type { Statement } from '../ast.ts';
import { isAdministrationAhead, parseAdministration } from './administration.ts';
import { parseQuery } from './clauses.ts';
import { isCommandAhead, parseCommand } from './commands.ts';
import { CLAUSE_KEYWORDS, Cursor } from './cursor.ts';
import type { Token } from './lexer.ts';
import { refusedClause } from './refused-words.ts';

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
      graph = parseGraph(c);
    } else break;
  }
  const body = isAdministrationAhead(c) ? parseAdministration(c) : isCommandAhead(c) ? parseCommand(c) : parseQuery(c);
  while (c.takePunct(';'));
  if (c.token.type !== 'end') throw (body.kind === 'Query' ? refusedClause(c) : undefined) ?? c.expected('a clause or the end of the statement', expectedNext(body));
  return { mode, graph, body };
}

function expectedNext(body: Statement['body']): readonly string[] {
  if (body.kind !== 'Query') return ['YIELD', 'WHERE', 'RETURN'];
  return [...CLAUSE_KEYWORDS, 'AND', 'OR', 'AS', 'ASC', 'DESC', 'IN', 'IS', 'STARTS', 'ENDS', 'CONTAINS'];
}

/** `USE films`, `USE graph.byName('films')` */
function parseGraph(c: Cursor): string {
  let name = c.expectName('a graph');
  if (name.toLowerCase() === 'graph' && c.isPunct('.') && c.isWord('BYNAME', 1) && c.isPunct('(', 2)) {
    c.at += 3;
    const { type, text, start } = c.token;
    if (type !== 'string') throw c.error('the graph of a statement is known before it runs: graph.byName() takes a literal text', 'UnexpectedSyntax', start, 'name the graph, or choose the database in the driver\'s session');
    c.at++;
    c.expectPunct(')');
    return text;
  }
  while (c.takePunct('.')) name += `.${c.expectName('a graph')}`;
  return name;
}

/** `CYPHER 5 planner=cost`: options of another engine's planner. */
function skipQueryOptions(c: Cursor): void {
  c.expectWord('CYPHER');
  if (c.token.type === 'integer' || c.token.type === 'float') c.at++;
  while (c.isName() && c.isPunct('=', 1)) c.at += 3;
}
