/** TypeScript that a model file may not use: what it is called, and what to write instead. */
import { ts } from "ts-morph";

export interface Construct {
  readonly name: string;
  readonly help: string;
}

const K = ts.SyntaxKind;
const counted = "use `for (const v of list)` or a counted loop `for (let i = 0; i < n; i++)`";
const readOnly = "a model file is read, never run; remove it";
const noClasses = "write a function, `const block = (x: Tensor, channels: number) => ...`";

export const constructs: Readonly<Record<number, Construct>> = {
  [K.WhileStatement]: { name: "a while loop", help: counted },
  [K.DoStatement]: { name: "a do loop", help: counted },
  [K.ForInStatement]: { name: "a for..in loop", help: "use `for (const v of list)` over an array" },
  [K.SwitchStatement]: { name: "a switch statement", help: "use `if` and `else`, or `?:`" },
  [K.BreakStatement]: { name: "break", help: "choose the loop's bounds, or use `if`" },
  [K.ContinueStatement]: { name: "continue", help: "use `if` around the rest of the loop" },
  [K.LabeledStatement]: { name: "a label", help: "use `if` and functions" },
  [K.TryStatement]: { name: "try", help: "nothing throws in a model file; write the body alone" },
  [K.ThrowStatement]: { name: "throw", help: "Kiln checks options and shapes itself; remove it" },
  [K.DebuggerStatement]: { name: "debugger", help: readOnly },
  [K.WithStatement]: { name: "a with statement", help: "name the object" },
  [K.ClassDeclaration]: { name: "a class", help: noClasses },
  [K.ClassExpression]: { name: "a class", help: noClasses },
  [K.EnumDeclaration]: { name: "an enum", help: "use `const`, or an object literal" },
  [K.ModuleDeclaration]: { name: "a namespace", help: "put it into a file of its own and import it" },
  [K.ImportEqualsDeclaration]: { name: "import =", help: 'use `import { ... } from "./file"`' },
  [K.AwaitExpression]: { name: "await", help: "nothing is waited for in a model file; it is read, never run" },
  [K.YieldExpression]: { name: "yield", help: "return an array" },
  [K.NewExpression]: { name: "new", help: "use array and object literals" },
  [K.DeleteExpression]: { name: "delete", help: "make another object: `const { unwanted, ...rest } = object`" },
  [K.TypeOfExpression]: { name: "typeof", help: "compare with `undefined`, or pass a flag" },
  [K.VoidExpression]: { name: "void", help: "use `undefined`" },
  [K.ThisKeyword]: { name: "this", help: "pass what is needed as a parameter" },
  [K.SuperKeyword]: { name: "super", help: noClasses },
  [K.RegularExpressionLiteral]: { name: "a regular expression", help: "compare strings with `===`" },
  [K.BigIntLiteral]: { name: "a bigint", help: "use a number" },
  [K.TaggedTemplateExpression]: { name: "a tagged template", help: "use a template string without a tag" },
  [K.MetaProperty]: { name: "import.meta", help: readOnly },
  [K.MethodDeclaration]: { name: "a method", help: "write a property, `name: (x) => ...`" },
  [K.GetAccessor]: { name: "a getter", help: "write a property" },
  [K.SetAccessor]: { name: "a setter", help: "write a property" },
  [K.ImportKeyword]: { name: "import()", help: 'use `import { ... } from "./file"` at the top' },
};

export const anyConstruct: Construct = { name: "this construct", help: "see the static subset in docs/model-files.md" };

const inPlaceOf: Readonly<Record<string, string>> = {
  console: "`kiln inspect MODEL --stage graph` prints every shape; remove it",
  require: 'use `import { ... } from "./file"`',
  Array: "use an array literal, spread and for..of",
  Object: "use an array of objects or pairs, and for..of",
  JSON: "write the values as literals",
  Number: "use numbers as they are, and Math.floor, Math.round",
  String: "use a template string",
  Date: "nothing may depend on the time; use a constant or `--set`",
  parseInt: "use numbers as they are, and Math.floor",
  parseFloat: "use numbers as they are",
};

/** Names that a program could use and a model file cannot; their help. */
export const hostNames: ReadonlyMap<string, string> = new Map(
  (
    "process fetch console require globalThis window self document navigator localStorage setTimeout setInterval " +
    "queueMicrotask Date JSON Object Array Number String Boolean BigInt Symbol Promise Set Map WeakMap WeakSet Error " +
    "RegExp Reflect Proxy Function eval Buffer performance crypto Deno Bun module exports __dirname __filename " +
    "parseInt parseFloat isNaN isFinite structuredClone XMLHttpRequest WebSocket Worker WebAssembly Intl Atomics " +
    "Float32Array Uint8Array Int32Array ArrayBuffer SharedArrayBuffer arguments alert"
  )
    .split(" ")
    .map((name) => [
      name,
      inPlaceOf[name] ??
        'a model file is read, never run: it has its own functions, Math and what it imports from "kiln"; remove it',
    ]),
);
