/**
 * Statements without their secrets, for lists and logs. Passwords come as arguments of `dbms.security.*` procedures; a statement
 * that may be about such loses every literal text, and its comments, but for the name of the user it is about. Of calls that are known
 * to have nothing secret among their arguments (roles, graphs, options) everything is told, parameters too: that is what one asks a log for.
 */
const SENSITIVE = /passw|security|secret|credential|token/i;
/** A literal text, closed or not, or a comment; what follows an open quote may be a secret too. */
const LITERALS = /'(?:[^'\\]|\\[\s\S])*(?:'|$)|"(?:[^"\\]|\\[\s\S])*(?:"|$)|\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*/g;
/**
 * What stands where a command has a password, forgotten quotes and all: such a statement is not understood, and is logged for it. Only where a word begins
 * is there a look back, or a million blanks would take hours.
 */
const BARE = /(?<!\S)(?=[^\s'"$`.,;()=<>*])(?<=(?<![.\w`$])PASSWORD\s+(?:FROM\s+)?|PASSWORD\s+FROM\s[\s\S]{0,500}?\sTO\s+)(?!(?:FROM|TO|CHANGE|NOT|IS|AS|IN)\b)\S+/gi;
/** `CALL dbms.security.createUser(<name>, …` with the name as a literal or a parameter. */
const ABOUT_USER = /^\s*CALL\s+dbms\.security\.(createUser|changeUserPassword)\s*\(\s*('[^'\\]*'|"[^"\\]*"|\$\w+)\s*,/i;

/** One call and nothing else. */
const ONE_CALL = /^\s*CALL\s+dbms\.(?:security|graph|config)\.(\w+)\s*\(([^()]*)\)\s*;?\s*$/i;
const HARMLESS: ReadonlySet<string> = new Set([
  'deleteuser', 'disableuser', 'logoutuser', 'setusermemorylimit', 'adduserroles', 'deleteuserroles', 'rebuilduserroles', 'createrole', 'deleterole', 'disablerole',
  'rebuildroleaccesslevel', 'modroleaccesslevel', 'modrolefieldaccesslevel', 'addallowedhosts', 'deleteallowedhosts', 'creategraph', 'deletegraph', 'modgraph', 'update',
]);

/** Whether a statement may be about passwords or the like. */
export function mayHoldSecrets(text: string): boolean {
  return SENSITIVE.test(text);
}

/** The text with all that may be a secret covered, every character in its place: for errors that point into it. */
export function covered(text: string): string {
  if (!SENSITIVE.test(text)) return text;
  return text.replace(LITERALS, (found) => found.replace(/[^\n]/g, '*')).replace(BARE, (word) => '*'.repeat(word.length));
}

export function withoutSecrets(text: string, parameters?: ReadonlyMap<string, unknown>): string {
  const told = harmless(text, parameters);
  if (told !== undefined) return told;
  if (!SENSITIVE.test(text)) return text;
  const about = ABOUT_USER.exec(text);
  const rest = (about === null ? text : text.slice(about[0].length)).replace(LITERALS, (found) => (found.startsWith('/') ? ' ' : "'***'")).replace(BARE, '***');
  if (about === null) return rest;
  const [, procedure, name] = about as unknown as [string, string, string];
  const given = name.startsWith('$') ? parameters?.get(name.slice(1)) : undefined;
  return `CALL dbms.security.${procedure}(${typeof given === 'string' ? JSON.stringify(given) : name},${rest}`;
}

/** The call with the values of its parameters; undefined if it is not one of those, or its arguments sound otherwise. */
function harmless(text: string, parameters: ReadonlyMap<string, unknown> | undefined): string | undefined {
  const [, procedure, args] = ONE_CALL.exec(text) ?? [];
  if (procedure === undefined || args === undefined || !HARMLESS.has(procedure.toLowerCase())) return undefined;
  const told = args.replace(/\$(\w+)/g, (found, name: string) => (parameters?.has(name) === true ? shown(parameters.get(name)) : found));
  return SENSITIVE_ARGUMENT.test(told) ? undefined : text.replace(args, () => told).trim();
}

const SENSITIVE_ARGUMENT = /passw|secret|credential/i;

function shown(value: unknown): string {
  if (value instanceof Map) return `{${[...value].map(([key, one]) => `${String(key)}: ${shown(one)}`).join(', ')}}`;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? JSON.stringify(value) : String(value);
}
