/**
 * The mistakes that functions and operators on values report, under the names of the openCypher TCK. The message begins with the name, as those
 * of mistakes in the text do: it is all of it that a client sees.
 */
import { DbError } from '../base/errors.ts';

/** A value of a type that the operation does not take. */
export function invalidType(message: string): DbError {
  return new DbError('TypeError', `InvalidArgumentType: ${message}`, { detail: 'InvalidArgumentType' });
}

/** A value of the right type that the operation cannot use: text that does not parse, a month 13. */
export function invalidValue(message: string): DbError {
  return new DbError('ArgumentError', `InvalidArgumentValue: ${message}`, { detail: 'InvalidArgumentValue' });
}

/** A number outside the range that the operation takes. */
export function outOfRange(message: string): DbError {
  return new DbError('ArgumentError', `NumberOutOfRange: ${message}`, { detail: 'NumberOutOfRange' });
}

/** A result that does not fit a 64-bit integer. */
export function overflow(message: string): DbError {
  return new DbError('ArithmeticError', `NumberOutOfRange: ${message}`, { detail: 'NumberOutOfRange' });
}
