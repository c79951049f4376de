/**
 * Statements without their secrets, for lists and logs. Passwords come as arguments of `dbms.security.*` procedures; a statement
 * that may be about such loses every literal text, and its comments, but for the name of the user it is about.
 */
const SENSITIVE = /passw|security|secret|credential|token/i;
/** A literal text, closed or not, or a comment; what follows an open quote may be a secret too. */
const LITERALS = /'(?:[^'\\]|\\[\s\S])*(?:'|$)|"(?:[^"\\]|\\[\s\S])*(?:"|$)|\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*/g;
/** `CALL dbms.security.createUser(<name>, …` with the name as a literal or a parameter. */
const ABOUT_USER = /^\s*CALL\s+dbms\.security\.(createUser|changeUserPassword)\s*\(\s*('[^'\\]*'|"[^"\\]*"|\$\w+)\s*,/i;

/** Whether a statement may be about passwords or the like. */
export function mayHoldSecrets(text: string): boolean {
  return SENSITIVE.test(text);
}

/** The text with all that may be a secret covered, every character in its place: for errors that point into it. */
export function covered(text: string): string {
  return SENSITIVE.test(text) ? text.replace(LITERALS, (found) => found.replace(/[^\n]/g, '*')) : text;
}

export function withoutSecrets(text: string, parameters?: ReadonlyMap<string, unknown>): string {
  if (!SENSITIVE.test(text)) return text;
  const about = ABOUT_USER.exec(text);
  const rest = (about === null ? text : text.slice(about[0].length)).replace(LITERALS, (found) => (found.startsWith('/') ? ' ' : "'***'"));
  if (about === null) return rest;
  const [, procedure, name] = about as unknown as [string, string, string];
  const given = name.startsWith('$') ? parameters?.get(name.slice(1)) : undefined;
  return `CALL dbms.security.${procedure}(${typeof given === 'string' ? JSON.stringify(given) : name},${rest}`;
}
