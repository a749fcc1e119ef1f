/**
 * Pieces that malformed requests are made of: names, fields and texts that no message may have.
 */

/** Field names that no message has, some of which every object inherits. */
export const names = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "polluted",
  "Payload",
  "payload ",
  "",
  "\u0000",
  "\u202e",
  "caf\u00e9",
  "\ud83d\ude00"
] as const

/** Fields of a message with values they may not have, or twice. */
export const wrongFields = [
  "\"key\":1",
  "\"key\":null",
  "\"key\":\"\"",
  "\"key\":{}",
  "\"key\":\"\\ud800\"",
  "\"priority\":\"9\"",
  "\"priority\":10",
  "\"priority\":-1",
  "\"priority\":1e400",
  "\"priority\":0.5",
  "\"priority\":true",
  "\"headers\":\"x\"",
  "\"headers\":{\"__proto__\":{\"polluted\":true}}",
  "\"headers\":{\"a\":\"\\udc00\"}",
  "\"headers\":{\"\\ud800\":\"a\"}",
  "\"headers\":{\"a\":\"1\",\"\\u0061\":\"1\"}",
  "\"contentType\":\"a\\u0000b\"",
  "\"traceparent\":\"00-x\"",
  "\"expiresAt\":\"2030-13-01T00:00:00Z\"",
  "\"expiresAt\":\"0\"",
  "\"deliverAt\":1893456000000",
  "\"idempotencyKey\":[]",
  "\"payload\":1"
] as const

/** Texts that look like JSON values and are none. */
export const noJson = [
  "NaN",
  "Infinity",
  "-Infinity",
  "01",
  "+1",
  "0x10",
  "1.",
  ".5",
  "1e",
  "'a'",
  "undefined",
  "tru",
  "\"\\x41\"",
  "\"\\u12\"",
  "\"\u0007\"",
  "\"a\nb\"",
  "[1,]",
  "{\"a\":1,}",
  "{a:1}",
  "/*c*/1",
  "1//c",
  "\"",
  "[",
  "\u00a01"
] as const

/** Content types that no route reads. */
export const contentTypes = [
  "text/plain",
  "",
  "application/xml",
  "application/json; charset=x",
  "json"
] as const
