/**
 * Values as parameters of a statement.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Result from "effect/Result"

/** Types of array elements that are used. */
export type ElementType = "int4" | "int8" | "text" | "bytea"

/** An array of any of those types; whole numbers of 64 bits are bigints to the driver. */
export const arrayOf = (type: ElementType, values: ReadonlyArray<unknown>): PgTypes.Parameter => {
  const wide = type === "int8"
    ? values.map((value) => typeof value === "number" ? BigInt(value) : value)
    : values
  return Result.getOrThrow(PgTypes.array(wide, PgTypes.OID[type]))
}

/** An array of partitions. */
export const int4s = (values: ReadonlyArray<number>): PgTypes.Parameter => arrayOf("int4", values)

/** An array of numbers of 64 bits. */
export const int8s = (values: ReadonlyArray<number>): PgTypes.Parameter => arrayOf("int8", values)

/** One number of 64 bits. */
export const int8 = (value: number): PgTypes.Parameter => PgTypes.int8(BigInt(value))

/** One number of 32 bits. */
export const int4 = (value: number): PgTypes.Parameter => PgTypes.int4(value)

/** A text. */
export const text = (value: string): PgTypes.Parameter => PgTypes.text(value)
