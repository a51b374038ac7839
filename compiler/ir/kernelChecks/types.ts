/** Names and types: every name is declared before its use, once; every expression has the type that its parts give. */
import { printExpression, printStatementHead, printType } from "../../text/printKernel.ts";
import type { Kernel, KernelExpr, KernelType, Statement } from "../kernel.ts";
import { expressionsOf, operandsOf, type Scope, walkKernel } from "../kernelTree.ts";
import type { UniformName } from "../scalar.ts";

const f32Max = 3.4028234663852886e38;

const uniformTypes: Readonly<Record<UniformName, KernelType["dtype"]>> = {
  seed: "u32",
  step: "u32",
  lr: "f32",
  momentum: "f32",
  weightDecay: "f32",
  pictureHeight: "i32",
  pictureWidth: "i32",
};

/** What is wrong with names and types; the other checks take for granted that nothing is. */
export function checkTypes(kernel: Kernel): string[] {
  const problems: string[] = [];
  walkKernel(kernel, (s, scope) => {
    const report = (problem: string) => problems.push(`\`${printStatementHead(s)}\`: ${problem}`);
    const checker = new TypeChecker(kernel, scope, report);
    for (const e of expressionsOf(s)) checker.expression(e);
    checker.statement(s);
  });
  return problems;
}

const describe = (t: KernelType): string => printType(t);
const same = (a: KernelType, b: KernelType): boolean => a.dtype === b.dtype && a.width === b.width;
const isInteger = (t: KernelType): boolean => t.dtype === "i32" || t.dtype === "u32";
const isNumber = (t: KernelType): boolean => t.dtype !== "bool";

class TypeChecker {
  private readonly seen = new Set<KernelExpr>();
  constructor(
    private readonly kernel: Kernel,
    private readonly scope: Scope,
    private readonly report: (problem: string) => void,
  ) {}

  private expect(e: KernelExpr, type: KernelType, what: string): void {
    if (!same(e, type)) this.report(`${what} is ${describe(e)}, it must be ${describe(type)}`);
  }

  private index(e: KernelExpr, what: string): void {
    if (e.width !== 1 || !isInteger(e)) this.report(`${what} is ${describe(e)}, it must be i32 or u32`);
  }

  private indices(e: readonly KernelExpr[], shape: readonly number[], name: string): void {
    if (e.length !== shape.length)
      this.report(`${name} has ${shape.length} dimensions and is given ${e.length} indices`);
    for (const i of e) this.index(i, `an index of ${name}`);
  }

  private declare(name: string): void {
    if (this.scope.find(name)) this.report(`${name} is declared twice`);
  }

  statement(s: Statement): void {
    const { kernel, scope } = this;
    switch (s.kind) {
      case "let":
        this.declare(s.name);
        break;
      case "registers":
        this.declare(s.name);
        if (s.shape.length > 0 && this.isMemory(s.name))
          this.report(`the register array ${s.name} has the name of a buffer or workgroup array`);
        for (const n of s.shape) if (!(Number.isInteger(n) && n > 0)) this.report(`${s.name} has an extent of ${n}`);
        this.constant(s.initial, s.type);
        break;
      case "assign": {
        const found = scope.find(s.register);
        if (found?.kind === "registers") {
          this.indices(s.index, found.statement.shape, s.register);
          this.expect(s.value, found.type, `the value for ${s.register}`);
        } else this.report(`no register ${s.register} is declared here`);
        break;
      }
      case "store":
        this.index(s.index, "the index");
        this.stored(
          s.value,
          kernel.buffers.find((b) => b.name === s.buffer),
          `buffer ${s.buffer}`,
        );
        break;
      case "sharedStore":
        this.index(s.index, "the index");
        this.stored(s.value, kernel.shared.find((a) => a.name === s.array)?.type, `workgroup array ${s.array}`);
        break;
      case "for":
        this.declare(s.variable);
        this.expect(s.from, { dtype: "i32", width: 1 }, "the first bound");
        this.expect(s.to, { dtype: "i32", width: 1 }, "the last bound");
        if (!(Number.isInteger(s.step) && s.step > 0))
          this.report(`a step is ${s.step}, it must be a positive integer`);
        break;
      case "if":
        this.expect(s.condition, { dtype: "bool", width: 1 }, "the condition");
        break;
      case "barrier":
        break;
    }
  }

  private stored(value: KernelExpr, type: KernelType | undefined, where: string): void {
    if (type) this.expect(value, type, `the value for ${where}`);
    else this.report(`no ${where} is declared`);
  }

  private isMemory(name: string): boolean {
    return this.kernel.buffers.some((b) => b.name === name) || this.kernel.shared.some((a) => a.name === name);
  }

  private constant(value: number, { dtype }: KernelType): void {
    const fits = {
      f32: Math.abs(value) <= f32Max,
      i32: Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31,
      u32: Number.isInteger(value) && value >= 0 && value < 2 ** 32,
      bool: value === 0 || value === 1,
    }[dtype];
    if (!fits) this.report(`${value} is no ${dtype}`);
  }

  expression(e: KernelExpr): void {
    if (this.seen.has(e)) return;
    this.seen.add(e);
    for (const operand of operandsOf(e)) this.expression(operand);
    const problem = this.check(e);
    if (problem) this.report(`in \`${printExpression(e)}\`, ${problem}`);
  }

  /** What is wrong with an expression whose operands were looked at. */
  private check(e: KernelExpr): string | undefined {
    const { kernel, scope } = this;
    const claims = (type: KernelType, what: string) =>
      same(e, type) ? undefined : `${what} is ${describe(type)}, not ${describe(e)}`;
    const scalarIndex = (i: KernelExpr, what: string) =>
      i.width === 1 && isInteger(i) ? undefined : `${what} is ${describe(i)}, it must be i32 or u32`;
    switch (e.kind) {
      case "constant":
        this.constant(e.value, e);
        return undefined;
      case "variable": {
        const found = scope.find(e.name);
        if (!found || found.kind === "registers") return `no variable ${e.name} is declared here`;
        return claims(found.type, e.name);
      }
      case "register": {
        const found = scope.find(e.name);
        if (found?.kind !== "registers") return `no register ${e.name} is declared here`;
        this.indices(e.index, found.statement.shape, e.name);
        return claims(found.type, e.name);
      }
      case "builtin":
        return e.width === 1 && isInteger(e) ? undefined : `${e.name} is i32 or u32, not ${describe(e)}`;
      case "load": {
        const found = kernel.buffers.find((b) => b.name === e.buffer);
        if (!found) return `no buffer ${e.buffer} is declared`;
        if (found.storage === "texture" && e.index.dtype !== "i32")
          return `the index of a texture is ${describe(e.index)}, it must be i32`;
        return scalarIndex(e.index, "the index") ?? claims({ dtype: found.dtype, width: found.width }, e.buffer);
      }
      case "sharedLoad": {
        const found = kernel.shared.find((a) => a.name === e.array);
        if (!found) return `no workgroup array ${e.array} is declared`;
        return scalarIndex(e.index, "the index") ?? claims(found.type, e.array);
      }
      case "uniform":
        return claims({ dtype: uniformTypes[e.name], width: 1 }, `uniform ${e.name}`);
      case "broadcast":
        return scalarIndex(e.lane, "the lane") ?? claims(e.value, "what is broadcast");
      case "component":
        if (e.of.width !== 4) return "only a vector has components";
        return scalarIndex(e.index, "the index") ?? claims({ dtype: e.of.dtype, width: 1 }, "a component");
      case "vector":
        if (e.parts.length !== 4 || e.width !== 4) return "a vector has four parts";
        return e.parts.every((p) => p.width === 1 && p.dtype === e.dtype)
          ? undefined
          : `the parts are ${e.parts.map(describe).join(", ")}, they must be ${e.dtype}`;
      case "splat":
        return e.of.width === 1 ? claims({ dtype: e.of.dtype, width: 4 }, "a splat") : "a vector is no scalar";
      case "random":
        return e.element.dtype === "u32" && e.element.width === 1
          ? claims({ dtype: "f32", width: 1 }, "a random number")
          : "the element must be u32";
      case "fma":
        return [e.a, e.b, e.c].every((x) => same(x, e)) && e.dtype === "f32"
          ? undefined
          : `fma takes three f32 of one width, not ${[e.a, e.b, e.c].map(describe).join(", ")}`;
      case "select":
        if (e.condition.dtype !== "bool" || ![1, e.width].includes(e.condition.width))
          return `the condition is ${describe(e.condition)}, it must be bool or ${printType({ dtype: "bool", width: e.width })}`;
        return same(e.a, e) && same(e.b, e)
          ? undefined
          : `it chooses between ${describe(e.a)} and ${describe(e.b)} and claims to be ${describe(e)}`;
      case "unary":
        return checkUnary(e);
      case "binary":
        return checkBinary(e);
    }
  }
}

function checkUnary(e: KernelExpr & { kind: "unary" }): string | undefined {
  const { op, a } = e;
  const wrong = `${op} of ${describe(a)} is no ${describe(e)}`;
  if (a.width !== e.width) return wrong;
  if (op === "toF32" || op === "toI32" || op === "toU32")
    return e.dtype === op.slice(2).toLowerCase() ? undefined : wrong;
  if (a.dtype !== e.dtype) return wrong;
  const allowed = op === "neg" || op === "abs" ? ["f32", "i32"] : ["f32"];
  return allowed.includes(a.dtype) ? undefined : wrong;
}

function checkBinary(e: KernelExpr & { kind: "binary" }): string | undefined {
  const { op, a, b } = e;
  const wrong = `${op} of ${describe(a)} and ${describe(b)} is no ${describe(e)}`;
  if (a.width !== e.width || b.width !== e.width) return wrong;
  if (op === "shiftRight") return isInteger(a) && isInteger(b) && a.dtype === e.dtype ? undefined : wrong;
  if (a.dtype !== b.dtype) return wrong;
  const fits = {
    add: isNumber,
    sub: isNumber,
    mul: isNumber,
    div: isNumber,
    max: isNumber,
    min: isNumber,
    lt: isNumber,
    le: isNumber,
    mod: isNumber,
    eq: () => true,
    pow: (t: KernelType) => t.dtype === "f32",
    and: (t: KernelType) => t.dtype === "bool",
    or: (t: KernelType) => t.dtype === "bool",
    bitAnd: isInteger,
  }[op];
  const result = op === "lt" || op === "le" || op === "eq" ? "bool" : a.dtype;
  return fits(a) && e.dtype === result ? undefined : wrong;
}
