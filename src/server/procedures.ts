/** All procedures that need more than a graph: the service's, and the import of rows, which belongs to the data formats. */
import { DbError } from '../base/errors.ts';
import type { ExecContext } from '../cypher/engine.ts';
import { importPackage } from '../data/row-import.ts';
import type { ImportOutcome, RowImport } from '../data/row-import.ts';
import type { GraphWriter } from '../graph/view.ts';
import { booleanArg, procedure, textArg } from '../service/procedures/define.ts';
import { ServerProcedures } from '../service/procedures/host.ts';
import { bodyOf, jsonField, listField } from '../value/bodies.ts';
import type { Value } from '../value/value.ts';

export function allProcedures(): ServerProcedures {
  return new ServerProcedures([
    procedure('db.importor.dataImportor', 'description:STRING, content:STRING, continue_on_error:BOOLEAN, thread_nums:INTEGER, delimiter:STRING', '', 'write', 'imports the lines of one file of an import configuration', importContent),
    procedure('db.importor.rows', 'file:STRING, lines:STRING, delimiter:STRING, continue_on_error:BOOLEAN, detail:BOOLEAN', 'log:STRING, imported:INTEGER, rejected:LIST', 'write', 'imports lines as `POST /db/{graph}/import/text` does', importRows),
  ]);
}

/** TuGraph's: description and content are base64. */
function importContent(args: Value[], _: unknown, context: ExecContext): Value[][] {
  const files = listField(jsonField({ description: Buffer.from(textArg(args, 0, 'description'), 'base64').toString() }, 'description'), 'files');
  if (files.length !== 1) throw new DbError('InvalidRequest', '`files` must have one item.');
  const text = Buffer.from(textArg(args, 1, 'content'), 'base64').toString();
  importInto(context, { file: bodyOf(files[0]), text, delimiter: textArg(args, 4, 'delimiter'), continueOnError: booleanArg(args, 2, 'continue_on_error') });
  return [];
}

function importRows(args: Value[], _: unknown, context: ExecContext): Value[][] {
  const { log, imported, rejected } = importInto(context, {
    file: jsonField({ file: textArg(args, 0, 'file') }, 'file'), text: textArg(args, 1, 'lines'), delimiter: textArg(args, 2, 'delimiter'), continueOnError: booleanArg(args, 3, 'continue_on_error'),
  });
  return [[log, imported, booleanArg(args, 4, 'detail') ? rejected.map(({ line, reason }) => [line, reason]) : []]];
}

function importInto(context: ExecContext, work: Omit<RowImport, 'checkpoint'>): ImportOutcome {
  if (!('createNode' in context.view)) throw new DbError('AccessMode', 'a read-only transaction cannot change the graph');
  return importPackage(context.view as GraphWriter, { ...work, checkpoint: context.checkpoint });
}
