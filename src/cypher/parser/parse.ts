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
  refuseAdministration(c);
  const body = isCommandAhead(c) ? parseCommand(c) : parseQuery(c);
  while (c.takePunct(';'));
  if (c.token.type !== 'end') throw c.expected('a clause or the end of the statement', expectedNext(body));
  return { mode, graph, body };
}

function expectedNext(body: Statement['body']): readonly string[] {
  if (body.kind !== 'Query') return ['YIELD', 'WHERE', 'RETURN'];
  return [...CLAUSE_KEYWORDS, 'AND', 'OR', 'AS', 'ASC', 'DESC', 'IN', 'IS', 'STARTS', 'ENDS', 'CONTAINS'];
}

/** Neo4j's commands for databases, users, roles, rights and vectors: procedures do that here. */
function refuseAdministration(c: Cursor): void {
  const verb = c.token.key;
  if (!['CREATE', 'DROP', 'ALTER', 'RENAME', 'GRANT', 'DENY', 'REVOKE', 'START', 'STOP'].includes(verb) || c.peek(1).type !== 'word') return;
  const at = c.isWord('OR', 1) && c.isWord('REPLACE', 2) ? 3 : 1;
  const what = c.peek(at).key;
  if (verb === 'CREATE' && what === 'VECTOR' && c.isWord('INDEX', at + 1)) {
    throw c.error('vectors are searched in fields of declared labels', 'UnexpectedSyntax', c.token.start, "CALL db.addVertexVectorIndex('Label', 'field', {dimension: 128})");
  }
  const isKnown = ['DATABASE', 'USER', 'ROLE', 'ALIAS'].includes(what) && !c.isPunct('=', at + 1);
  if (!isKnown && !['GRANT', 'DENY', 'REVOKE'].includes(verb)) return;
  const hint = what === 'DATABASE' || what === 'ALIAS' ? "CALL dbms.graph.createGraph('films')" : what === 'USER' ? "CALL dbms.security.createUser('ann', 'password')"
    : "CALL dbms.security.modRoleAccessLevel('role', {default: 'READ'})";
  throw c.error('databases, users, roles and rights are managed by procedures', 'UnexpectedSyntax', c.token.start, `${hint}; docs/procedures.md has them all`);
}

/** `CYPHER 5 planner=cost`: options of another engine's planner. */
function skipQueryOptions(c: Cursor): void {
  c.expectWord('CYPHER');
  if (c.token.type === 'integer' || c.token.type === 'float') c.at++;
  while (c.isName() && c.isPunct('=', 1)) c.at += 3;
}
