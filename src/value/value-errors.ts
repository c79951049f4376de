/** The three mistakes that functions and operators on values report, under the names of the openCypher TCK. */
import { DbError } from '../base/errors.ts';

/** A value of a type that the operation does not take. */
export function invalidType(message: string): DbError {
  return new DbError('TypeError', message, { detail: 'InvalidArgumentType' });
}

/** A value of the right type that the operation cannot use: text that does not parse, a month 13. */
export function invalidValue(message: string): DbError {
  return new DbError('ArgumentError', message, { detail: 'InvalidArgumentValue' });
}

/** A number outside the range that the operation takes. */
export function outOfRange(message: string): DbError {
  return new DbError('ArgumentError', message, { detail: 'NumberOutOfRange' });
}

/** A result that does not fit a 64-bit integer. */
export function overflow(message: string): DbError {
  return new DbError('ArithmeticError', message, { detail: 'NumberOutOfRange' });
}
