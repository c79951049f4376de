import type { TextIndexSpec } from '../graph/view.ts';

/** A name as part of a statement: labels and fields cannot be parameters. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** `{name: row.name, …}`: written out, because a declared field is checked when the entity is made. */
export function mapText(fields: readonly string[], row: string): string {
  return `{${fields.map((field) => `${quoted(field)}: ${row}.${quoted(field)}`).join(', ')}}`;
}

/** A full-text index as a statement. */
export function createTextStatement({ kind, name, labels, fields, analyzer }: TextIndexSpec, options: { readonly ifNotExists?: boolean } = {}): string {
  const names = labels.map(quoted).join('|');
  const pattern = kind === 'vertex' ? `(n:${names})` : `()-[n:${names}]-()`;
  const each = fields.map((field) => `n.${quoted(field)}`).join(', ');
  const config = `{indexConfig: {\`fulltext.analyzer\`: ${JSON.stringify(analyzer)}}}`;
  return `CREATE FULLTEXT INDEX ${quoted(name)} ${options.ifNotExists === true ? 'IF NOT EXISTS ' : ''}FOR ${pattern} ON EACH [${each}] OPTIONS ${config}`;
}
