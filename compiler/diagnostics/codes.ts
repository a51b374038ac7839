/** Every diagnostic code, never reused. 1xxx: the file and its language; 2xxx: ops and shapes; 3xxx: targets and plans. */
export const diagnosticCodes = {
  KILN2001: "unknown op",
  KILN2002: "unknown option",
  KILN2003: "shapes do not match",
  KILN2004: "kernel larger than its padded input",
  KILN2005: "missing option",
  KILN2006: "wrong type or value",
  KILN2007: "channels not divisible",
  KILN2008: "wrong rank",
} as const;

export type DiagnosticCode = keyof typeof diagnosticCodes;
