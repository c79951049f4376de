/** A name as part of a statement: labels and fields cannot be parameters. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** `{name: row.name, …}`: written out, because a declared field is checked when the entity is made. */
export function mapText(fields: readonly string[], row: string): string {
  return `{${fields.map((field) => `${quoted(field)}: ${row}.${quoted(field)}`).join(', ')}}`;
}
