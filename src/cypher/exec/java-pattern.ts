/**
 * Regular expressions as Java writes them (what Neo4j's `=~` takes) in JavaScript's terms. The two agree in most; where they do not, a pattern
 * that both accept would mean something else: `\Q…\E`, `\A`, `\z`, `\h`, `\R`, `\p{Digit}`, `[a-z&&[^b]]`, flags in the middle.
 *
 * The result is for JavaScript's flag `v`, in which every character that could be syntax must be escaped. What cannot be said in it
 * (possessive quantifiers, atomic groups, blocks of Unicode) is refused.
 */

export interface JavaScriptPattern {
  readonly source: string;
  readonly ignoresCase: boolean;
}

/** Throws a SyntaxError, as RegExp does. */
export function fromJava(pattern: string): JavaScriptPattern {
  const whole = /^\(\?([a-zA-Z]+)\)/.exec(pattern);
  const translator = new Translator(pattern, whole?.[1]!.includes('i') === true);
  return { source: translator.run(), ignoresCase: translator.ignoresCase };
}

interface Flags {
  /** Ignores case, where that is not so for the whole pattern. */
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly x: boolean;
}

const LINE_ENDS = '\\n\\r\\x85\\u2028\\u2029';
const VERTICAL = '\\n\\x0B\\f\\r\\x85\\u2028\\u2029';
const HORIZONTAL = ' \\t\\xA0\\u1680\\u180E\\u2000-\\u200A\\u202F\\u205F\\u3000';
const START = '(?<![\\s\\S])';
const END = '(?![\\s\\S])';

/** Escapes that stand for sets of characters, as the inside of a class. */
const SETS: Readonly<Record<string, string>> = { d: '\\d', w: '\\w', s: '\\s', D: '\\D', W: '\\W', S: '\\S', h: `[${HORIZONTAL}]`, H: `[^${HORIZONTAL}]`, v: `[${VERTICAL}]`, V: `[^${VERTICAL}]` };
const CHARACTERS: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', a: '\x07', e: '\x1B' };
const ASSERTIONS: Readonly<Record<string, string>> = { b: '\\b', B: '\\B', A: START, z: END, Z: `(?=(?:\\r\\n|[${LINE_ENDS}])?${END})`, R: `(?:\\r\\n|[${VERTICAL}])` };

/** POSIX classes are of ASCII only, in Java. */
const POSIX: ReadonlyMap<string, string> = new Map(Object.entries({
  Lower: 'a-z', Upper: 'A-Z', ASCII: '\\x00-\\x7F', Alpha: 'a-zA-Z', Digit: '0-9', Alnum: 'a-zA-Z0-9', Punct: '!-\\/:-@\\[-`\\{-~', Graph: '!-~', Print: ' -~',
  Blank: ' \\t', Cntrl: '\\x00-\\x1F\\x7F', XDigit: '0-9a-fA-F', Space: ' \\t\\n\\x0B\\f\\r',
}));
const BINARY: ReadonlyMap<string, string> = new Map(Object.entries({
  ALPHABETIC: 'Alphabetic', LETTER: 'L', LOWERCASE: 'Lowercase', UPPERCASE: 'Uppercase', TITLECASE: 'Lt', PUNCTUATION: 'P', CONTROL: 'Cc', WHITE_SPACE: 'White_Space', WHITESPACE: 'White_Space', DIGIT: 'Nd',
  HEX_DIGIT: 'Hex_Digit', IDEOGRAPHIC: 'Ideographic', ASSIGNED: 'Assigned', JAVALOWERCASE: 'Lowercase', JAVAUPPERCASE: 'Uppercase', JAVALETTER: 'L', JAVADIGIT: 'Nd', JAVAALPHABETIC: 'Alphabetic', JAVAWHITESPACE: 'White_Space',
}));

class Translator {
  readonly #text: string;
  #at = 0;
  /** That capture. */
  #groups = 0;
  #flags: Flags = { i: false, m: false, s: false, x: false };
  readonly ignoresCase: boolean;

  constructor(text: string, ignoresCase: boolean) {
    this.#text = text;
    this.ignoresCase = ignoresCase;
  }

  run(): string {
    const source = this.#alternatives();
    if (this.#at < this.#text.length) throw new SyntaxError('unmatched )');
    return source;
  }

  #takes(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** A character, of two code units where it has so many. */
  #next(): string {
    if (this.#at >= this.#text.length) throw new SyntaxError('the pattern ends too early');
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at)!);
    this.#at += char.length;
    return char;
  }

  #match(form: RegExp): RegExpExecArray | undefined {
    const found = form.exec(this.#text.slice(this.#at, this.#at + 100));
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  /** Up to the end or a parenthesis. Flags that are set inside hold to there. */
  #alternatives(): string {
    const before = this.#flags;
    let out = '';
    while (this.#at < this.#text.length && this.#text[this.#at] !== ')') out += this.#piece();
    this.#flags = before;
    return out;
  }

  #piece(): string {
    const quantifier = this.#match(/^(?:[*+?]|\{\d+(?:,\d*)?\})([?+]?)/);
    if (quantifier !== undefined) {
      if (quantifier[1] === '+') throw new SyntaxError(`possessive quantifiers (${quantifier[0]}) are not supported`);
      return quantifier[0];
    }
    const char = this.#next();
    if (this.#flags.x && /\s/.test(char)) return '';
    if (this.#flags.x && char === '#') {
      this.#match(/^[^\n]*/);
      while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at++;
      return '';
    }
    switch (char) {
      case '|': return '|';
      case '.': return this.#flags.s ? '[\\s\\S]' : `[^${LINE_ENDS}]`;
      case '^': return this.#flags.m ? `(?<![^${LINE_ENDS}])` : '^';
      case '$': return this.#flags.m ? `(?![^${LINE_ENDS}])` : '$';
      case '(': return this.#group();
      case '[': return this.#class();
      case '\\': return this.#escape();
      default: return this.#literal(char);
    }
  }

  #group(): string {
    const flags = this.#match(/^\?([a-zA-Z]*)(?:-([a-zA-Z]+))?([:)])/);
    if (flags !== undefined) {
      const before = this.#flags;
      this.#flags = changed(before, flags[1]!, flags[2] ?? '', this.ignoresCase);
      if (flags[3] === ')') return '';
      const inside = this.#closed();
      this.#flags = before;
      return `(?:${inside})`;
    }
    const opening = this.#match(/^\?(?:=|!|<=|<!|<[A-Za-z][A-Za-z0-9]*>)/);
    if (opening === undefined && this.#text[this.#at] === '?') throw new SyntaxError(`groups like (${this.#text.slice(this.#at, this.#at + 2)} are not supported`);
    if (opening === undefined || /[A-Za-z]/.test(opening[0])) this.#groups++;
    return `(${opening?.[0] ?? ''}${this.#closed()})`;
  }

  #closed(): string {
    const inside = this.#alternatives();
    if (!this.#takes(')')) throw new SyntaxError('unclosed group');
    return inside;
  }

  #literal(char: string): string {
    if (!this.#flags.i) return escaped(char);
    const forms = caseForms(char);
    return forms.length === 1 ? escaped(char) : `[${forms.map(escaped).join('')}]`;
  }

  #quoted(): string[] {
    const end = this.#text.indexOf('\\E', this.#at);
    const inside = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 2;
    return [...inside];
  }

  #escape(): string {
    const reference = this.#match(/^k<[A-Za-z][A-Za-z0-9]*>/) ?? this.#groupNumber();
    // What follows must not become a digit of it.
    if (reference !== undefined) return `(?:\\${reference[0]!})`;
    if (this.#takes('Q')) return this.#quoted().map((char) => this.#literal(char)).join('');
    const assertion = ASSERTIONS[this.#text[this.#at] ?? ''];
    if (assertion !== undefined) {
      this.#at++;
      return assertion;
    }
    const set = this.#set();
    return set ?? this.#literal(this.#character());
  }

  /** As many digits as there are groups so far, and one in any case. */
  #groupNumber(): string[] | undefined {
    let digits = this.#match(/^[1-9]\d*/)?.[0];
    if (digits === undefined) return undefined;
    const { length } = digits;
    while (digits.length > 1 && Number(digits) > this.#groups) digits = digits.slice(0, -1);
    this.#at -= length - digits.length;
    return [digits];
  }

  /** Behind a backslash: what stands for several characters. */
  #set(): string | undefined {
    const set = SETS[this.#text[this.#at] ?? ''];
    if (set !== undefined) {
      this.#at++;
      return set;
    }
    const property = this.#match(/^([pP])(?:\{([^}]*)\}|([A-Z]))/);
    return property === undefined ? undefined : propertyClass(property[2] ?? property[3]!, property[1] === 'P', this.#flags.i);
  }

  /** Behind a backslash: one character. */
  #character(): string {
    const code = this.#match(/^(?:x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|0([0-3]?[0-7]{1,2}))/);
    if (code !== undefined) return String.fromCodePoint(code[4] === undefined ? Number.parseInt(code[1] ?? code[2] ?? code[3]!, 16) : Number.parseInt(code[4], 8));
    const control = this.#match(/^c([\x00-\x7F])/);
    if (control !== undefined) return String.fromCodePoint(control[1]!.charCodeAt(0) ^ 64);
    const char = this.#next();
    if (CHARACTERS[char] !== undefined) return CHARACTERS[char];
    if (/[A-Za-z0-9]/.test(char)) throw new SyntaxError(`\\${char} is not supported`);
    return char;
  }

  /** Behind `[`. Parts that `&&` joins become classes of their own. */
  #class(): string {
    const isNegated = this.#takes('^');
    const parts: string[] = [];
    let part = '';
    for (let isFirst = true; ; isFirst = false) {
      if (!isFirst && this.#takes(']')) break;
      if (this.#takes('&&')) {
        parts.push(part);
        part = '';
      } else if (this.#takes('[')) part += this.#class();
      else part += this.#classItem();
    }
    parts.push(part);
    const inside = parts.length === 1 ? part : parts.filter((each) => each !== '').map((each) => `[${each}]`).join('&&');
    return `[${isNegated ? '^' : ''}${inside}]`;
  }

  #classItem(): string {
    if (this.#takes('\\Q')) return this.#quoted().map((char) => this.#range(char, char)).join('');
    const isEscaped = this.#takes('\\');
    const set = isEscaped ? this.#set() : undefined;
    if (set !== undefined) return set;
    const from = isEscaped ? this.#character() : this.#next();
    const [dash, behind] = [this.#text[this.#at], this.#text[this.#at + 1]];
    if (dash !== '-' || behind === undefined || behind === ']' || behind === '[') return this.#range(from, from);
    if (behind === '\\' && /[dwshvDWSHVpPQ]/.test(this.#text[this.#at + 2] ?? '')) return this.#range(from, from);
    this.#at++;
    return this.#range(from, this.#takes('\\') ? this.#character() : this.#next());
  }

  #range(from: string, to: string): string {
    if (from === to) return (this.#flags.i ? caseForms(from) : [from]).map(escaped).join('');
    const range = `${escaped(from)}-${escaped(to)}`;
    return this.#flags.i ? range + otherCases(from, to) : range;
  }
}

function changed(flags: Flags, on: string, off: string, ignoresCase: boolean): Flags {
  const unknown = /[^imsxu]/.exec(on + off);
  if (unknown !== null) throw new SyntaxError(`the flag ${unknown[0]} is not supported`);
  if (off.includes('i') && ignoresCase) throw new SyntaxError('(?-i) behind (?i) for the whole pattern is not supported');
  const after = (flag: keyof Flags): boolean => (on.includes(flag) || flags[flag]) && !off.includes(flag);
  return { i: after('i') && !ignoresCase, m: after('m'), s: after('s'), x: after('x') };
}

function escaped(char: string): string {
  if (/[\^$\\.*+?()[\]{}|/\-&!#%,:;<=>@`~]/.test(char)) return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return char === '\n' ? '\\n' : char;
}

function caseForms(char: string): string[] {
  return [...new Set([char, char.toLowerCase(), char.toUpperCase()])].filter((form) => [...form].length === 1);
}

/** The letters of the other case for those ASCII letters that are in the range. */
function otherCases(from: string, to: string): string {
  const within = (low: string, high: string, shift: number): string => {
    const [first, last] = [Math.max(low.charCodeAt(0), from.codePointAt(0)!), Math.min(high.charCodeAt(0), to.codePointAt(0)!)];
    return first > last ? '' : `${String.fromCharCode(first + shift)}-${String.fromCharCode(last + shift)}`;
  };
  return within('a', 'z', -32) + within('A', 'Z', 32);
}

function propertyClass(name: string, isNegated: boolean, ignoresCase: boolean): string {
  const wanted = ignoresCase && (name === 'Lower' || name === 'Upper') ? 'Alpha' : name;
  const posix = POSIX.get(wanted);
  if (posix !== undefined) return `[${isNegated ? '^' : ''}${posix}]`;
  const letter = isNegated ? 'P' : 'p';
  const assigned = /^(?:(sc|script)|(gc|general_category))=(\w+)$/i.exec(name);
  if (assigned !== null) return `\\${letter}{${assigned[1] === undefined ? assigned[3]! : `Script=${titled(assigned[3]!)}`}}`;
  const binary = BINARY.get(name.replace(/^Is/, '').toUpperCase());
  if (binary !== undefined && /^(Is|java)/.test(name)) return `\\${letter}{${binary}}`;
  if (/^In/.test(name) || /^(blk|block)=/i.test(name)) throw new SyntaxError(`blocks of Unicode (${name}) are not supported`);
  if (!name.startsWith('Is')) return `\\${letter}{${name}}`;
  const rest = name.slice(2);
  return rest.length <= 2 ? `\\${letter}{${rest}}` : `\\${letter}{Script=${titled(rest)}}`;
}

function titled(name: string): string {
  return name.toLowerCase().replace(/(^|_)[a-z]/g, (letter) => letter.toUpperCase());
}
